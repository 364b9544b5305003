/**
 * Planted secrets in every command at its most verbose: none turns up on standard error, in a file under `HOME`, in the
 * arguments or the environment of a program that is started; and on standard output only the one that was asked for.
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { BROWSER, request, send } from "../host/callback.ts";
import { type ProcessOptions, type ProcessResult, type RunningProcess, writeProgram } from "../process.ts";
import { assertAbsent } from "./canaries.ts";
import { newHome } from "./command_line.ts";
import { type IncomingRequest, serve, type ServedAuthorizationServer } from "./served.ts";
import { json } from "./support.ts";

/** What is handed to the commands. The secrets of people and clients may have any character. */
const planted = {
  serviceSecret: 'J7pQ2xW9+service/secret%&="é-Lm4Kz8Tn',
  postSecret: "b3VdR6yH-post-secret-for-the-body-Qe1Xa5Uc",
  environmentSecret: "Zk8Tn2Wq-environment-secret-of-a-job-Pv6Ys3Gd",
  password: "H5jMf9Cb+password %&=-of-Ada-Rt7Nu1Ei",
};

/** What is seen on its way: tokens, codes, verifiers, assertions. */
const seen = new Set<string>(Object.values(planted));

const SECRET_MEMBERS = [
  ...[
    "access_token",
    "refresh_token",
    "id_token",
    "device_code",
    "client_secret",
    "registration_access_token",
  ],
  ...["code", "code_verifier", "client_assertion", "password", "subject_token", "token"],
];

function noteAll(members: Iterable<[string, unknown]>): void {
  for (const [name, value] of members) {
    if (SECRET_MEMBERS.includes(name) && typeof value === "string" && value !== "") seen.add(value);
  }
}

async function noteAnswer(answer: Response): Promise<Response> {
  const text = await answer.text();
  if (answer.headers.get("content-type")?.includes("json")) noteAll(Object.entries(JSON.parse(text)));
  return new Response(text || null, answer);
}

describe("the command line", () => {
  const home = newHome();
  const file = (name: string, content: string): string => {
    const path = join(home.desk, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  let there: ServedAuthorizationServer;
  /** How the server quotes what it was sent, while it does. */
  let quote: ((request: IncomingRequest) => Response) | undefined;
  let reach: string[];

  before(async () => {
    const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
      "sign",
      "verify",
    ]) as CryptoKeyPair;
    const jwk = await crypto.subtle.exportKey("jwk", pair.privateKey);
    const { kty, crv, x, y } = jwk;
    file("key.jwk", JSON.stringify(jwk));
    seen.add(jwk.d!);
    const clients = [
      { clientId: "app" },
      { clientId: "service", secret: planted.serviceSecret },
      { clientId: "poster", secret: planted.postSecret },
      { clientId: "job", secret: planted.environmentSecret },
      { clientId: "signer", jwks: { keys: [{ kty, crv, x, y }] } },
    ];
    const users = [{ subject: "ada", username: "ada", password: planted.password }];
    there = await serve({ interval: 1, clients, users });
    there.intercept(async (incoming, pass) => {
      noteAll(new URLSearchParams(incoming.body));
      noteAll(incoming.url.searchParams);
      const isQuoted = quote !== undefined && !/well-known|jwks/.test(incoming.url.pathname);
      return isQuoted ? quote!(incoming) : await noteAnswer(await pass());
    });
    reach = ["--issuer", there.origin, "--allow-insecure-loopback"];
  });
  after(async () => {
    await there.close();
    home.remove();
  });

  /** Runs a command and looks at all that it says. */
  async function run(
    args: string[],
    { code = 0, ...options }: ProcessOptions & { code?: number } = {},
  ): Promise<ProcessResult> {
    return checked(args, await home.run(args, options), code);
  }

  function checked(args: string[], result: ProcessResult, code: number): ProcessResult {
    const name = args.join(" ");
    assert.equal(result.code, code, `${name}: ${result.stderr}`);
    assertAbsent(result.stderr, seen, `standard error of ${name}`);
    const isAsked = args[0] === "get" || args[0] === "exchange";
    const answer = isAsked ? result.stdout.replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/, "THE TOKEN") : result.stdout;
    assertAbsent(answer, seen, `standard output of ${name}`);
    if (code !== 0) assert.equal(result.stdout, "", name);
    return result;
  }

  // sealed files are no exception: what is sealed cannot be read
  afterEach(() => {
    for (const path of readdirSync(home.path, { recursive: true, encoding: "utf8" })) {
      const whole = join(home.path, path);
      if (statSync(whole).isFile()) assertAbsent(readFileSync(whole, "latin1"), seen, path);
      assertAbsent(path, seen, "the name of a file");
    }
  });

  async function approved(args: string[], running: RunningProcess): Promise<void> {
    const [, code] = await running.waitFor("stderr", /enter the code {3}(\S+) /);
    there.server.approveDevice(code);
    checked(args, await running.ended, 0);
  }

  it("signs in with a client secret, a key, a password, and tells nothing of them", async () => {
    const service = [
      "login",
      "svc",
      "--client-id",
      "service",
      "--secret-file",
      file("secret", planted.serviceSecret),
      ...reach,
    ];
    const poster = [
      "login",
      "post",
      "--client-id",
      "poster",
      "--auth-method",
      "client_secret_post",
      "--secret-file",
      "-",
      ...reach,
    ];
    const signer = [
      "login",
      "key",
      "--client-id",
      "signer",
      "--private-key-file",
      join(home.desk, "key.jwk"),
      "--flow",
      "client-credentials",
      ...reach,
    ];
    const person = [
      "login",
      "pw",
      "--client-id",
      "app",
      "--flow",
      "password",
      "--username",
      "ada",
      "--password-file",
      file("password", planted.password),
      ...reach,
    ];
    await Promise.all([run(service), run(poster, { stdin: planted.postSecret }), run(signer), run(person)]);
    for (const form of ["token", "json", "header", "env"]) {
      const { stdout } = await run(["get", "pw", "--force", "-o", form]);
      assert.match(stdout, /eyJ[\w-]+\.[\w-]+\.[\w-]+/);
    }
  });

  it("signs in on another device, with a client that it registered and a key that binds its tokens", async () => {
    const args = ["login", "dev", "--register", "--flow", "device", "--dpop", ...reach];
    await approved(args, home.start(args));
    await run(["get", "dev", "--force"]);
  });

  it("signs in with a browser, which gets the page to open and nothing else", async () => {
    const [argv, environment] = [join(home.desk, "argv"), join(home.desk, "environment")];
    const script = join(home.desk, "browser");
    writeProgram(
      script,
      `#!/bin/sh\nenv > ${environment}\nprintf '%s\\n' "$0" "$@" > ${argv}.new\nmv ${argv}.new ${argv}\n`,
    );
    const args = ["login", "web", "--client-id", "app", "--flow", "browser", "--par", ...reach];
    const running = home.start(args, {
      env: { BROWSER: script, APEX_CLIENT_SECRET: planted.environmentSecret, APEX_CLIENT_ID: "job" },
    });
    const [, url] = await running.waitFor("stderr", /^ {4}(http\S+)$/m);
    const callback = await there.server.authorize(url);
    noteAll(new URL(callback).searchParams);
    const { pathname, search, origin } = new URL(callback);
    const listener = { redirectUri: origin };
    const page = await send(listener, request(listener, pathname + search, ...BROWSER));
    assertAbsent(page, seen, "the page in the browser");
    checked(args, await running.ended, 0);
    // nobody waits for the browser: it may not have begun yet
    while (!existsSync(argv)) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const path of [argv, environment]) assertAbsent(readFileSync(path, "utf8"), seen, path);
    assert.equal(readFileSync(argv, "utf8"), `${script}\n${url}\n`);
  });

  it("speaks about tokens without telling them", async () => {
    const commands = [
      ...[["show", "web"], ["show", "dev", "--json"], ["list", "--json"], ["inspect", "web", "--json"]],
      ...[["inspect", "web", "--id-token"], ["userinfo", "web"], ["introspect", "svc"], [
        "exchange",
        "svc",
        "-o",
        "json",
      ]],
    ];
    await Promise.all(commands.map((command) => run(command)));
    await run(["revoke", "web"]);
  });

  it("works for a job whose secret is in the environment, and keeps nothing", async () => {
    const env = {
      APEX_CLIENT_ID: "job",
      APEX_CLIENT_SECRET: planted.environmentSecret,
      APEX_ISSUER: there.origin,
    };
    await run(["get", "--allow-insecure-loopback"], { env });
    await run(["get", "--allow-insecure-loopback"], {
      env: { ...env, APEX_CLIENT_SECRET: `${planted.environmentSecret}x` },
      code: 5,
    });
  });

  const quotes: Record<string, (request: IncomingRequest) => Response> = {
    "in its words": ({ body, headers }) => {
      const values = [...new URLSearchParams(body)].map(([, value]) => value);
      return json({
        error: "invalid_request",
        error_description: [...values, headers.get("authorization")].join(" "),
      }, 400);
    },
    "on a web page": ({ body, url, headers }) => {
      const page = `<pre>${url}\n${JSON.stringify([...headers])}\n${body}</pre>`;
      return new Response(page, {
        status: 403,
        headers: { "content-type": "text/html", "x-echo": encodeURIComponent(body) },
      });
    },
    "in members that it should not be in": ({ body }) => {
      const values = [...new URLSearchParams(body)].map(([, value]) => value);
      return json({
        access_token: values,
        token_type: values.join(),
        expires_in: values.join(),
        active: values,
        sub: values,
        error: values,
      });
    },
  };

  async function runWhileQuoted(how: keyof typeof quotes, commands: string[][]): Promise<ProcessResult[]> {
    quote = quotes[how];
    try {
      return await Promise.all(commands.map((command) => run(command, { code: 5 })));
    } finally {
      quote = undefined;
    }
  }

  it("tells nothing when the server quotes it in its words", async () => {
    const token = file("token", [...seen].filter((one) => one.startsWith("eyJ"))[0]);
    const person = ["login", "pw", "--client-id", "app", "--flow", "password", "--username", "ada"];
    const results = await runWhileQuoted("in its words", [
      ...["svc", "post", "key", "pw", "dev", "web"].map((name) => ["get", name, "--force"]),
      ...[["introspect", "svc", "--token-file", token], ["exchange", "post"], [
        "revoke",
        "key",
        "--token-file",
        token,
      ]],
      ["login", "dev2", "--client-id", "app", "--flow", "device", ...reach],
      [...person, "--password-file", join(home.desk, "password"), ...reach],
    ]);
    for (const { stderr } of results) assert.match(stderr, /"invalid_request": "/);
    // but for the device authorization, each had a secret to quote
    assert.equal(
      results.filter(({ stderr }) => /"invalid_request": ".*…/.test(stderr)).length,
      results.length - 1,
    );
  });

  for (const how of ["on a web page", "in members that it should not be in"]) {
    it(`tells nothing when the server quotes it ${how}`, async () => {
      await runWhileQuoted(how, [["get", "pw", "--force"], ["exchange", "svc"]]);
    });
  }

  it("tells nothing at the end either", async () => {
    await Promise.all([run(["logout", "pw", "--revoke"]), run(["remove", "dev"]), run(["remove", "web"])]);
    await run(["get", "pw"], { code: 4 });
    assert.ok(seen.size >= 40, `${seen.size} secrets`);
  });
});
