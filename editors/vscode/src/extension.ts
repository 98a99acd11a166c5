import type { ExtensionContext } from "vscode";
import { Assistant } from "./client";
import { registerCommands } from "./commands";
import { onCommandChanged } from "./settings";
import { Status } from "./status";

let assistant: Assistant | undefined;

/** Starts the language server once VS Code is up, so that its model is loaded before it is asked. */
export async function activate(context: ExtensionContext): Promise<void> {
  const status = new Status();
  const started = new Assistant(status);
  assistant = started;
  context.subscriptions.push(
    status,
    started,
    ...registerCommands(started, context.extension),
    onCommandChanged(() => void started.restart()),
  );
  await started.start();
}

/** Lets the language server end by itself: what it has recorded is written then. */
export async function deactivate(): Promise<void> {
  await assistant?.stop();
}
