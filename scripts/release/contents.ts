/**
 * What goes with the program: manual pages, completions, documents.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { manualPages } from "../../lib/cli/manual.ts";
import { program } from "../../lib/cli/program.ts";
import { shells } from "../../lib/cli/shells/mod.ts";
import { workstation } from "../../lib/host/host.ts";
import { licensesOf } from "../npm_bundle.ts";
import { root } from "../toolchain.ts";
import type { ArchiveFile } from "./archive.ts";
import { packagesInside } from "./sbom.ts";
import { BUN_VERSION } from "./targets.ts";

/** Everything that belongs beside the program, by its path under a prefix such as `/usr`. */
export async function companions(sbom: string): Promise<ArchiveFile[]> {
  const pages = manualPages(program(workstation()));
  const documents = ["README.md", "CHANGELOG.md", "LICENSE"];
  return [
    ...pages.map(({ file, text }) => textFile(`share/man/man1/${file}`, text)),
    textFile("share/bash-completion/completions/apex-token", shells.bash),
    textFile("share/zsh/site-functions/_apex-token", shells.zsh),
    textFile("share/fish/vendor_completions.d/apex-token.fish", shells.fish),
    textFile("share/apex-token/completion.ps1", shells.powershell),
    textFile("share/doc/apex-token/sbom.cdx.json", sbom),
    textFile("share/doc/apex-token/THIRD_PARTY_LICENSES.txt", await foreignLicenses()),
    ...await Promise.all(documents.map(async (name) => ({
      path: `share/doc/apex-token/${name}`,
      bytes: await readFile(root + name),
    }))),
  ];
}

/** The licences of what is in the program and is not ours. */
async function foreignLicenses(): Promise<string> {
  return `${await licensesOf(new Set(await packagesInside()))}

Bun ${BUN_VERSION}, the runtime

MIT, by Oven and its contributors. It links JavaScriptCore (LGPL-2) and further libraries statically. Which, under
which licences, and how to link them anew: https://bun.com/docs/project/licensing
Its sources: https://github.com/oven-sh/bun
`;
}

function textFile(path: string, text: string): ArchiveFile {
  return { path, bytes: new TextEncoder().encode(text) };
}
