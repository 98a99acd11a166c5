import { window } from "vscode";
import type { WorkspaceEdit } from "vscode-languageclient/node";

const ADVICE = "$(info) Assistant: tick what you want to change, then apply";

/**
 * Says, until it is decided, what is to be done in the preview of an edit that the user has to
 * agree to: VS Code shows such edits unticked, and makes none that stays so.
 */
export function adviseOn<T>(edit: WorkspaceEdit, decided: Promise<T>): Promise<T> {
  const annotations = Object.values(edit.changeAnnotations ?? {});
  if (annotations.some(({ needsConfirmation }) => needsConfirmation)) {
    window.setStatusBarMessage(ADVICE, decided);
  }
  return decided;
}
