import {
  commands,
  StatusBarAlignment,
  ThemeColor,
  window,
  workspace,
  type Disposable,
  type StatusBarItem,
} from "vscode";
import { SECTION, suggestsIn } from "./settings";

/** What the language server is up to; `stopped` is what the user has to do something about. */
export type Life = "starting" | "running" | "stopped";

/** Whether the model is loaded, as the server tells; undefined until it has told. */
export type Model = "idle" | "loading" | "ready" | "failed" | undefined;

/** The entry in the status bar. A click on it offers the commands. */
export class Status implements Disposable {
  private readonly item: StatusBarItem;
  private readonly listeners: Disposable[];
  private readonly works = new Map<string | number, string>();
  private life: Life = "starting";
  private model: Model;
  private on = true;

  constructor() {
    this.item = window.createStatusBarItem("assistant", StatusBarAlignment.Right, 100);
    this.item.name = "Assistant";
    this.item.command = "assistant.editor.menu";
    this.listeners = [
      window.onDidChangeActiveTextEditor(() => {
        this.show();
      }),
      workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(SECTION)) {
          this.show();
        }
      }),
    ];
    this.show();
    this.item.show();
  }

  /** Says how the server is; a new one knows nothing of works and switches of the one before. */
  lives(life: Life): void {
    this.life = life;
    this.model = undefined;
    this.works.clear();
    this.on = true;
    void commands.executeCommand("setContext", "assistant.running", life === "running");
    this.show();
  }

  /** The model's state has changed. */
  has(model: Model): void {
    this.model = model;
    this.show();
  }

  /** A work has begun, such as the loading of the model; without a title, it has ended. */
  work(token: string | number, title?: string): void {
    if (title === undefined) {
      this.works.delete(token);
    } else {
      this.works.set(token, title);
    }
    this.show();
  }

  /** The server was told to suggest, or not to suggest, while one types. */
  suggests(on: boolean): void {
    this.on = on;
    this.show();
  }

  dispose(): void {
    for (const listener of this.listeners) {
      listener.dispose();
    }
    this.item.dispose();
  }

  private show(): void {
    const [icon, text] = this.said();
    this.item.text = `$(${icon}) Assistant`;
    this.item.tooltip = `Assistant: ${text}`;
    this.item.accessibilityInformation = { label: `Assistant: ${text}`, role: "button" };
    this.item.backgroundColor =
      this.life === "stopped" ? new ThemeColor("statusBarItem.errorBackground") : undefined;
  }

  private said(): [icon: string, text: string] {
    if (this.life === "stopped") {
      return ["error", "the language server is not running"];
    }
    if (this.life === "starting" || this.model === undefined) {
      return ["loading~spin", "starting"];
    }
    const [work] = this.works.values();
    if (work !== undefined) {
      return ["loading~spin", work];
    }
    if (this.model === "loading") {
      return ["loading~spin", "loading the model"];
    }
    if (this.model === "failed") {
      return ["warning", "the model could not be loaded"];
    }
    if (!this.on || !suggestsIn(window.activeTextEditor?.document.languageId)) {
      return ["circle-slash", "no suggestions while you type"];
    }
    if (this.model === "idle") {
      return ["sparkle", "the model is loaded when you open a file"];
    }
    return ["sparkle", "ready"];
  }
}
