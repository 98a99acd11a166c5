// One file that holds the extension and what it needs, and their licenses beside it.
import { copyFile, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const { metafile } = await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
  minify: true,
  metafile: true,
});

const folders = new Set();
for (const file of Object.keys(metafile.inputs)) {
  const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
  if (folder !== undefined) {
    folders.add(folder);
  }
}
const notices = [];
for (const folder of [...folders].sort()) {
  const { name, version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const license = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file));
  if (license === undefined) {
    throw new Error(`${name} has no license to go with the extension`);
  }
  notices.push(`${name} ${version}\n\n${await readFile(join(folder, license), "utf8")}`);
}
await writeFile("dist/NOTICES.txt", notices.join(`\n${"=".repeat(78)}\n\n`));
await copyFile("../../LICENSE", "LICENSE");
