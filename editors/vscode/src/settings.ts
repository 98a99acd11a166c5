import { ConfigurationTarget, workspace, type ConfigurationScope, type Disposable } from "vscode";

/** The section that the server asks for; it also reads all but `command` by itself. */
export const SECTION = "assistant";

/** The setting that says how the server is started. */
export const COMMAND = "command";

const DISABLED_LANGUAGES = "completion.disabledLanguages";

/** What starts the language server: the program and its arguments. */
export function serverCommand(): { command: string; args: string[] } {
  const [command = "", ...args] = workspace.getConfiguration(SECTION).get<string[]>(COMMAND, []);
  return { command, args };
}

/** Calls back when the server is to be started otherwise; of the rest, the server is told anyway. */
export function onCommandChanged(changed: () => void): Disposable {
  return workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(`${SECTION}.${COMMAND}`)) {
      changed();
    }
  });
}

/** Whether VS Code shows ghost text in a document at all. */
export function showsGhostText(scope: ConfigurationScope): boolean {
  return workspace.getConfiguration("editor", scope).get<boolean>("inlineSuggest.enabled", true);
}

/** Whether the settings allow suggestions in a language, so that the status can say so. */
export function suggestsIn(language: string | undefined): boolean {
  const settings = workspace.getConfiguration(SECTION);
  const disabled = settings.get<string[]>(DISABLED_LANGUAGES, []);
  return settings.get<boolean>("completion.enabled", true) && !disabled.includes(language ?? "");
}

/**
 * Turns suggestions in a language off, or on again; it is a setting, so that it stays. Returns
 * whether they are on.
 */
export async function toggleLanguage(language: string): Promise<boolean> {
  const settings = workspace.getConfiguration(SECTION);
  const disabled = settings.get<string[]>(DISABLED_LANGUAGES, []);
  const off = disabled.includes(language);
  const changed = off ? disabled.filter((name) => name !== language) : [...disabled, language];
  const workspaceDecides = settings.inspect(DISABLED_LANGUAGES)?.workspaceValue !== undefined;
  const target = workspaceDecides ? ConfigurationTarget.Workspace : ConfigurationTarget.Global;
  await settings.update(DISABLED_LANGUAGES, changed, target);
  return off;
}
