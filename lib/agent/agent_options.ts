/**
 * What an agent is told at its start.
 *
 * @module
 */

/** Options of the agent, as the options of `oidc-agent` and the sections of its `config` file name them. */
export interface AgentOptions {
  /** How long an account stays loaded, in seconds, when nobody says. Default: 0, without end. */
  readonly lifetime?: number;
  /** Whether a request for an account that is not loaded may load it. Default: true. */
  readonly autoload?: boolean;
  /** Whether a dead refresh token may begin a sign-in on the terminal of whoever asked. Default: true. */
  readonly reauthenticate?: boolean;
  /** Whether each request for a token is confirmed on the terminal of whoever asked. Default: false. */
  readonly confirm?: boolean;
  /** Whether ID tokens are given without a confirmation. Default: false. */
  readonly alwaysAllowIdToken?: boolean;
  /** Whether a sign-in in the browser may end at a listener on the loopback interface. Default: true. */
  readonly webserver?: boolean;
  /** Whether it may end at `edu.kit.data.oidc-agent:/`. Default: true. */
  readonly customScheme?: boolean;
  /** The group that may use the socket. Default: nobody but this person. */
  readonly group?: string;
  /** Certificate authorities for servers whose account names none (PEM). */
  readonly certPath?: string;
}

/** Where an agent is, for the export lines. */
export interface RunningAgent {
  /** The path of its socket: `OIDC_SOCK`. */
  readonly socket: string;
  /** `OIDCD_PID`. */
  readonly pid: number;
  /** Whether it ran before it was asked for. */
  readonly wasRunning: boolean;
}
