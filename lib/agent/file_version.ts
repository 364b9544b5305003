/**
 * Which oidc-agent this program stands in for: what its files say, and its tools with `--version`.
 *
 * @module
 */

/** The release of oidc-agent whose files these are. */
export const FILE_VERSION = "5.3.3";
