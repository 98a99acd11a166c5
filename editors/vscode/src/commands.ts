import { commands, window, type Disposable, type Extension } from "vscode";
import type { Assistant } from "./client";
import { toggleLanguage } from "./settings";

const MENU = "assistant.editor.menu";

/** The code actions of the server that are commands here, by the kinds that the server gives them. */
const ACTIONS = {
  "assistant.editor.explain": "assistant.explain",
  "assistant.editor.commentToCode": "refactor.rewrite.assistant.commentToCode",
  "assistant.editor.document": "refactor.rewrite.assistant.document",
  "assistant.editor.fix": "quickfix.assistant",
  "assistant.editor.writeTest": "refactor.rewrite.assistant.writeTest",
  "assistant.editor.suggestNames": "assistant.suggestNames",
  "assistant.editor.polish": "refactor.rewrite.assistant.polish",
  "assistant.editor.expand": "refactor.rewrite.assistant.expand",
  "assistant.editor.shorten": "refactor.rewrite.assistant.shorten",
  "assistant.editor.continue": "refactor.rewrite.assistant.continue",
  "assistant.editor.translate": "refactor.rewrite.assistant.translate",
};

/**
 * Registers what the server does not: its own commands take a place, which a user's command has
 * not, and so go by way of the code actions.
 */
export function registerCommands(assistant: Assistant, extension: Extension<unknown>): Disposable[] {
  const manifest = extension.packageJSON as { contributes: { commands: Contributed[] } };
  const actions = Object.entries(ACTIONS).map(([command, kind]) =>
    commands.registerCommand(command, () => act(kind)),
  );
  return [
    ...actions,
    commands.registerCommand("assistant.editor.showContext", showContext),
    commands.registerCommand("assistant.editor.toggleLanguage", toggleThisLanguage),
    commands.registerCommand("assistant.editor.restart", () => assistant.restart()),
    commands.registerCommand("assistant.editor.showLog", () => {
      assistant.showLog();
    }),
    commands.registerCommand(MENU, () => pick(manifest.contributes.commands)),
  ];
}

/** Does the first code action of a kind for the selection; VS Code says so where there is none. */
async function act(kind: string): Promise<void> {
  await commands.executeCommand("editor.action.codeAction", { kind, apply: "first" });
}

/** Shows what the last suggestion in this document was made from. */
async function showContext(): Promise<void> {
  const document = window.activeTextEditor?.document;
  if (document === undefined) {
    void window.showInformationMessage("Assistant: open a file first");
    return;
  }
  await commands.executeCommand("assistant.showContext", document.uri.toString());
}

async function toggleThisLanguage(): Promise<void> {
  const language = window.activeTextEditor?.document.languageId;
  if (language === undefined) {
    void window.showInformationMessage("Assistant: open a file of the language first");
    return;
  }
  const state = (await toggleLanguage(language)) ? "on" : "off";
  void window.setStatusBarMessage(`Assistant: suggestions in ${language} are ${state}`, 5000);
}

interface Contributed {
  command: string;
  title: string;
}

/** Offers the commands, by the names that they have in `package.json`. */
async function pick(contributed: Contributed[]): Promise<void> {
  const entries = contributed
    .filter(({ command }) => command !== MENU)
    .map(({ command, title }) => ({ label: title, command }));
  const chosen = await window.showQuickPick(entries, { placeHolder: "Assistant" });
  if (chosen !== undefined) {
    await commands.executeCommand(chosen.command);
  }
}
