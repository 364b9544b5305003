/**
 * The machines that the program is built for.
 *
 * @module
 */

/** A kind of machine. */
export interface Target {
  /** As the archives are named. */
  readonly name: string;
  /** What `bun build --target` takes. */
  readonly bun: string;
  /** The package of npm that holds Bun for it. */
  readonly package: string;
  /** Its checksum, as npm writes it: nothing else is built into a program. */
  readonly integrity: string;
  readonly program: "apex-token" | "apex-token.exe";
  /** The architecture in Debian's words, where there is a Debian package of it. */
  readonly debian?: "amd64" | "arm64";
}

/** The release of Bun that the checksums are of; the same as that of the tests. */
export const BUN_VERSION = "1.4.5";

const unix = (name: string, bun: string, integrity: string, debian?: Target["debian"]): Target => ({
  name,
  bun: `bun-${bun}`,
  package: `@oven/bun-${bun.replace("arm64", "aarch64")}`,
  integrity: `sha512-${integrity}`,
  program: "apex-token",
  ...(debian ? { debian } : {}),
});

const windows = (name: string, bun: string, integrity: string): Target => ({
  ...unix(name, bun, integrity),
  program: "apex-token.exe",
});

/** All of them. */
export const targets: readonly Target[] = [
  unix(
    "linux-x64",
    "linux-x64",
    "IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
    "amd64",
  ),
  unix(
    "linux-arm64",
    "linux-arm64",
    "4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
    "arm64",
  ),
  unix(
    "linux-x64-musl",
    "linux-x64-musl",
    "10QoW/YfTgnURaGEaHpJCiXjLI2e5iTtfVDaA5JKcyUzaa1cq6cVUY9/Uq5XkYzvtRjHLRe9Oj/lTDIQcxy8HQ==",
  ),
  unix(
    "linux-arm64-musl",
    "linux-arm64-musl",
    "XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==",
  ),
  unix(
    "macos-x64",
    "darwin-x64",
    "qkLPMGHZM9NI6CeHTWwVezzmlo6cC4Ta7yUAjYIWXS366qQcOlcp75t2uZyiuVRBMPS0h9qE0tCcvCHGaFqjJg==",
  ),
  unix(
    "macos-arm64",
    "darwin-arm64",
    "4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==",
  ),
  windows(
    "windows-x64",
    "windows-x64",
    "FNvply651vcE/GHgNWz6mZvhmkwBuu8Hw54oNzA+CQog+HW+542rXQmZqNHRkFxazD9L3xi+iTtvO3engAgJfw==",
  ),
  windows(
    "windows-arm64",
    "windows-arm64",
    "MiPFZnBNDnBXgr1oONc5pizC4fOLjnIOfNkYdFEnWzLmoFTg86naZIG3SvS7d/GglpQSAnCKMAzSjI/TAckiRw==",
  ),
];
