import { CancellationTokenSource, commands, Uri, ViewColumn, window, type Disposable } from "vscode";
import {
  LanguageClient,
  RevealOutputChannelOn,
  State,
  type LanguageClientOptions,
  type Middleware,
  type StaticFeature,
} from "vscode-languageclient/node";
import { Early } from "./early";
import { adviseOn } from "./preview";
import { COMMAND, SECTION, serverCommand, showsGhostText } from "./settings";
import type { Life, Model, Status } from "./status";

const RESTARTS = 3;
const OPEN_SETTING = "Open Setting";
const LIVES: Record<State, Life> = {
  [State.Starting]: "starting",
  [State.Running]: "running",
  [State.Stopped]: "stopped",
  [State.StartFailed]: "stopped",
};

/** Tells the server that this client wants to know whether the model is loaded. */
const WANTS_STATUS: StaticFeature = {
  fillClientCapabilities: (capabilities) => {
    capabilities.experimental = { assistantStatus: true };
  },
  initialize: () => undefined,
  getState: () => ({ kind: "static" }),
  clear: () => undefined,
};

/** The language server behind this window, which it starts, restarts and ends. */
export class Assistant implements Disposable {
  private client: Client | undefined;
  private readonly early = new Early();
  private readonly log = window.createOutputChannel("Assistant", { log: true });

  constructor(private readonly status: Status) {}

  /** Starts the server. What hinders it is told to the user, and thrown at nobody. */
  async start(): Promise<void> {
    const server = serverCommand();
    this.status.lives("starting");
    const client = new Client(SECTION, "Assistant", server, this.options());
    this.client = client;
    client.registerFeature(WANTS_STATUS);
    client.onDidChangeState(({ newState }) => {
      this.status.lives(LIVES[newState]);
    });
    client.onNotification("assistant/status", ({ model }: { model: Model }) => {
      this.status.has(model);
      if (model === "ready") {
        this.early.ready();
      }
    });
    try {
      await client.start();
    } catch (error) {
      this.status.lives("stopped");
      if (isMissing(error)) {
        // Not awaited: the message stays until the user has read it.
        void this.tellMissing(server.command);
      }
    }
  }

  /** Starts anew, with the command that is set now. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Ends the server, if there is one that can be ended. */
  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      // One that has not started cannot be ended, and need not be.
      this.log.info(String(error));
    }
  }

  dispose(): void {
    this.early.dispose();
    this.log.dispose();
  }

  /** Shows what the server has logged. */
  showLog(): void {
    this.log.show();
  }

  private async tellMissing(command: string): Promise<void> {
    const text =
      `Assistant: the program “${command}” was not found. Install it with ` +
      "pip install 'assistant[server,lsp]', or set its full path in assistant.command.";
    if ((await window.showErrorMessage(text, OPEN_SETTING)) === OPEN_SETTING) {
      await commands.executeCommand("workbench.action.openSettings", `${SECTION}.${COMMAND}`);
    }
  }

  private options(): LanguageClientOptions {
    return {
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      connectionOptions: { maxRestartCount: RESTARTS },
      middleware: this.middleware(),
    };
  }

  private middleware(): Middleware {
    return {
      // The popup would say the same as the ghost text, and VS Code hides that while it is open.
      provideCompletionItem: (document, position, context, token, next) =>
        showsGhostText(document) ? undefined : next(document, position, context, token),
      executeCommand: async (command, args: unknown[], next) => {
        const answer: unknown = await next(command, args);
        if (command === "assistant.toggleSuggestions" && typeof answer === "boolean") {
          this.status.suggests(answer);
        }
        return answer;
      },
      handleWorkDoneProgress: (token, params, next) => {
        if (params.kind === "begin") {
          this.status.work(token, params.title);
        } else if (params.kind === "end") {
          this.status.work(token);
        }
        next(token, params);
      },
      workspace: {
        // Nobody cancels it: the server asks for it, and the user answers.
        handleApplyEdit: (params, next) => {
          const decided = next(params, new CancellationTokenSource().token);
          return adviseOn(params.edit, Promise.resolve(decided));
        },
      },
      window: {
        // Beside the user's text rather than over it.
        showDocument: async (params, token, next) => {
          if (params.external === true || params.takeFocus === true) {
            return next(params, token);
          }
          const options = { viewColumn: ViewColumn.Beside, preserveFocus: true, preview: true };
          await window.showTextDocument(Uri.parse(params.uri), options);
          return { success: true };
        },
      },
    };
  }
}

/** A client that leaves it to us to say that the program is missing, as it has no advice to give. */
class Client extends LanguageClient {
  override error(message: string, data?: unknown, notify?: boolean | "force"): void {
    super.error(message, data, isMissing(data) ? false : notify);
  }
}

/** The client rejects with a text, and no Error, where the operating system starts no program. */
function isMissing(error: unknown): boolean {
  return typeof error === "string";
}
