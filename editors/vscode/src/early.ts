import { commands, window, workspace, type Disposable, type TextDocument } from "vscode";

/** Asks for the ghost text of what was typed before there was anybody to ask. */
export class Early implements Disposable {
  private typed: { document: TextDocument; version: number } | undefined;
  private readonly listener: Disposable;

  constructor() {
    this.listener = workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length > 0 && document === window.activeTextEditor?.document) {
        this.typed = { document, version: document.version };
      }
    });
  }

  /** The model is loaded: VS Code asks again, if the cursor still stands where it was. */
  ready(): void {
    const editor = window.activeTextEditor;
    const typed = this.typed;
    this.typed = undefined;
    if (typed !== undefined && editor?.document === typed.document) {
      if (editor.document.version === typed.version && editor.selection.isEmpty) {
        void commands.executeCommand("editor.action.inlineSuggest.trigger");
      }
    }
  }

  dispose(): void {
    this.listener.dispose();
  }
}
