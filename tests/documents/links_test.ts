/**
 * Every link of a page leads to a file and to a heading that are there.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { root } from "../../scripts/toolchain.ts";

const pages = [
  ...["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "npm/README.md"],
  ...readdirSync(`${root}docs`).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
];

const read = (page: string): string => readFileSync(join(root, page), "utf8");

/** The anchors of a page's headings, as code hosts make them. */
function anchors(page: string): string[] {
  const text = read(page).replace(/```[^]*?```/g, "");
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

/** What is wrong with a link of `page`. */
function faultIn(page: string, link: string): string | undefined {
  if (/^https:\/\//.test(link)) return;
  const [file, anchor] = link.split("#");
  const target = file === "" ? page : join(dirname(page), file);
  if (!existsSync(join(root, target))) return `there is no ${target}`;
  if (anchor !== undefined && !anchors(target).includes(anchor)) return `${target} has no #${anchor}`;
}

describe("a link", () => {
  for (const page of pages) {
    it(`in ${page} leads somewhere`, () => {
      for (const [, link] of read(page).matchAll(/\]\(([^()\s]+)\)/g)) {
        assert.equal(faultIn(page, link), undefined, link);
      }
    });
  }

  it("that leads nowhere is noticed", () => {
    assert.match(faultIn("README.md", "docs/nothing.md")!, /there is no docs\/nothing\.md/);
    assert.match(faultIn("docs/agent.md", "security.md#nothing")!, /security\.md has no #nothing/);
    assert.equal(faultIn("docs/agent.md", "security.md#what-protects-a-sign-in"), undefined);
  });
});
