import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenError } from "../../lib/errors.ts";
import { learnedRotation } from "../../lib/session/refresh_events.ts";
import {
  answered,
  dead,
  done,
  failed,
  follows,
  holds,
  kept,
  later,
  laterError,
  type Line,
  logged,
  overtaken,
  processed,
  refused,
  seen,
  spoiled,
  unclear,
  unsent,
} from "./protocol_paths.ts";
import type { Kept, Sight, Verdict } from "../../lib/session/refresh_events.ts";

/** To the look under the lock: with a token that is due, and without one. */
const due = (sight: Sight<Kept, string>): Line[] => [
  ["glance", seen("due")],
  ["lock, if it is free", done],
  ["look", seen("due", sight)],
];
const none = (sight: Sight<Kept, string>, verdict: Verdict = "useless"): Line[] => [
  ["glance", seen(verdict)],
  ["lock, waiting for it", done],
  ["look", seen(verdict, sight)],
];
/** To the presentation. */
const announced: Line[] = [["prepare", done], ["announce r1", done]];
const whole: Line[] = [['log "answer"', done]];
const strict = kept("strict");
const broken = "because of a broken disk";

describe("the refresh protocol, when there is nothing to do,", () => {
  it("hands a good token out without the lock", () => {
    follows([["glance", seen("good")], ["deliver t1"]]);
  });

  it("serves a token that is due while somebody else renews it", () => {
    follows([["glance", seen("due")], ["lock, if it is free", { is: "busy" }], ["deliver t1"]]);
  });

  for (const verdict of ["overdue", "useless"] as const) {
    it(`waits for the lock with a token that is ${verdict}, and leaves with the one that somebody else brought`, () => {
      follows([
        ["glance", seen(verdict)],
        ["lock, waiting for it", { is: "served", token: "t9" }],
        ["deliver t9"],
      ]);
    });
  }

  it("looks again under the lock, and finds what somebody else brought", () => {
    follows([...none({ token: "t9", kept: strict }, "overdue").slice(0, 2), [
      "look",
      seen("good", { token: "t9" }),
    ], [
      "unlock",
      done,
    ], ["deliver t9"]]);
  });

  it("serves what it has when the lock is not to be had", () => {
    const path = (verdict: Verdict, end: string): Line[] => [
      ["glance", seen(verdict)],
      ["lock, waiting for it", failed("timeout")],
      [end],
    ];
    follows(path("overdue", `deliver t1 ${broken}`));
    follows(path("useless", "fail with timeout"));
  });

  it("ends for a caller who does not want to wait any longer, whatever there is to serve", () => {
    follows([["glance", seen("overdue")], ["lock, waiting for it", failed("aborted")], [
      "fail with aborted",
    ]]);
  });

  it("says that a sign-in is needed where nobody signed in, no refresh token came, or it is dead", () => {
    const ended = kept("strict", { dead: { at: 1, words: "Session not active" } });
    for (const session of [undefined, kept("strict", { refreshToken: undefined }), ended]) {
      follows([...none({ kept: session }), ["unlock", done], ["fail with sign_in_required"]]);
    }
    const words = 'The sign-in has ended (the server says "Session not active")';
    follows([
      ...due({ kept: ended }),
      [`postpone t1 because of ${words}`, done],
      ["unlock", done],
      [`deliver t1 because of ${words}`],
    ]);
  });

  it("obeys the server's wish not to be asked now, which somebody else heard", () => {
    const wish = { kept: strict, later: laterError(60) };
    follows([...due(wish), ["unlock", done], ["deliver t1 because of too many requests"]]);
    follows([...none(wish), ["unlock", done], ["fail with unavailable"]]);
  });

  it("fails with what keeps the session from being read, or serves what there is", () => {
    const path = (verdict: Verdict) => none({}, verdict).slice(0, 2);
    follows([...path("useless"), ["look", failed("key")], ["unlock", done], ["fail with key"]]);
  });
});

describe("the refresh protocol, when it renews,", () => {
  it("announces, presents, logs, reads, commits, and only then hands out", () => {
    for (const beginning of [due({ kept: kept() }), none({ kept: kept() })]) {
      follows([
        ...beginning,
        ["prepare", done],
        ["announce r1", done],
        ["present r1", answered()],
        ['log "answer"', done],
        ['interpret "answer"', holds("r2")],
        ["commit r2 (replacing) over v1", done],
        ["keep t2", done],
        ["tidy", done],
        ["unlock", done],
        ["deliver t2"],
      ]);
    }
  });

  it("learns from an answer with the same refresh token, or with none, that it stays good", () => {
    for (const refreshToken of ["r1", undefined]) {
      follows([
        ...none({ kept: kept() }),
        ...announced,
        ["present r1", answered()],
        ...whole,
        ['interpret "answer"', holds(refreshToken)],
        ["commit r1 (steady) over v1", done],
        ["keep t2", done],
        ["tidy", done],
        ["unlock", done],
        ["deliver t2"],
      ]);
    }
  });

  it("presents nothing where it could not keep what it would get", () => {
    follows([...none({ kept: strict }), ["prepare", failed()], ["unlock", done], ["fail with storage"]]);
    follows([
      ...due({ kept: strict }),
      ["prepare", failed()],
      ["postpone t1 because of a broken disk", done],
      ["unlock", done],
      [`deliver t1 ${broken}`],
    ]);
  });

  it("presents nothing that could not be announced", () => {
    follows([
      ...none({ kept: strict }),
      ["prepare", done],
      ["announce r1", failed()],
      ["tidy", done],
      ["unlock", done],
      ["fail with storage"],
    ]);
  });

  it("looks again when somebody else announced in spite of the lock", () => {
    follows([
      ...none({ kept: strict }),
      ["prepare", done],
      ["announce r1", overtaken],
      ["look", seen("good", { token: "t9" })],
      ["unlock", done],
      ["deliver t9"],
    ]);
  });

  it("asks with the client's own credentials without announcing or committing anything", () => {
    follows([...none({}), ["obtain", { is: "obtained", token: "t2" }], ["keep t2", done], ["unlock", done], [
      "deliver t2",
    ]], { spends: false });
    follows([
      ...due({}),
      ["obtain", failed("network")],
      ["postpone t1 because of a broken disk", done],
      ["unlock", done],
      [`deliver t1 ${broken}`],
    ], { spends: false });
  });
});

describe("the refresh protocol, when the answer is here,", () => {
  const inHand: Line[] = [...none({ kept: strict }), ...announced, ["present r1", answered()]];
  const read: Line[] = [...inHand, ...whole, ['interpret "answer"', holds("r2", { receivedAt: 5 })]];
  const end: Line[] = [["keep t2", done], ["tidy", done], ["unlock", done], ["deliver t2"]];

  it("goes on to the commit where the log cannot be written", () => {
    follows([
      ...inHand,
      ['log "answer"', failed()],
      ['interpret "answer"', holds("r2")],
      ["commit r2 (strict) over v1", done],
      ...end,
    ]);
  });

  it("hands it out where it cannot be kept for the next one", () => {
    follows([...read, ["commit r2 (strict) over v1", done], ["keep t2", failed()], ["tidy", failed()], [
      "unlock",
      done,
    ], [
      "deliver t2",
    ]]);
  });

  it("gives the reserved room back when the disk is full, and commits again", () => {
    const commit = (event: ReturnType<typeof failed>): Line => ["commit r2 (strict) over v1", event];
    follows([
      ...read,
      commit(failed()),
      ["relieve", done],
      commit(failed()),
      ["rest 200 ms", done],
      commit(failed()),
      ["rest 1000 ms", done],
      commit(done),
      ...end,
    ]);
  });

  it("leaves the log to others when it cannot commit, and hands nothing out", () => {
    const commit: Line = ["commit r2 (strict) over v1", failed()];
    follows([
      ...read,
      commit,
      ["relieve", done],
      commit,
      ["rest 200 ms", done],
      commit,
      ["rest 1000 ms", done],
      commit,
      ["unlock", done],
      ["fail with storage"],
    ]);
  });

  it("puts the refresh token that was received later first, and the other beside it", () => {
    const theirs = (receivedAt: number) =>
      seen("useless", { version: "v2", kept: kept("strict", { refreshToken: "r9", receivedAt }) });
    const conflict: Line[] = [...read, ["commit r2 (strict) over v1", overtaken]];
    follows([...conflict, ["reread", theirs(4)], ["commit r2 (strict) beside r9 over v2", done], ...end]);
    follows([...conflict, ["reread", theirs(6)], ["commit r9 (strict) beside r2 over v2", done], ...end]);
  });

  it("commits again over a change that left the refresh token alone", () => {
    follows([
      ...read,
      ["commit r2 (strict) over v1", overtaken],
      ["reread", seen("useless", { version: "v2", kept: strict })],
      ["commit r2 (strict) over v2", done],
      ...end,
    ]);
  });

  it("does not bring a session back that somebody signed out of", () => {
    follows([
      ...read,
      ["commit r2 (strict) over v1", overtaken],
      ["reread", seen("useless", { version: undefined })],
      ["tidy", done],
      ["unlock", done],
      ["fail with sign_in_required"],
    ]);
  });

  it("leaves a new sign-in alone, and begins anew with it", () => {
    const other = kept(undefined, { signedInAt: 2, refreshToken: "n1" });
    follows([
      ...read,
      ["commit r2 (strict) over v1", overtaken],
      ["reread", seen("useless", { version: "v2", kept: other })],
      ["tidy", done],
      ["look", seen("useless", { version: "v2", kept: other })],
      ["prepare", done],
      ["announce n1", done],
      ["present n1", refused],
      ["tidy", done],
      ["unlock", done],
      ["fail with server_refused"],
    ]);
  });

  it("gives up with the log in place where others write without end", () => {
    const round: Line[] = [["commit r2 (strict) over v1", overtaken], [
      "reread",
      seen("useless", { kept: strict }),
    ]];
    const rounds = Array.from({ length: 100 }, () => round).flat();
    follows([...read, ...rounds, round[0], ["unlock", done], ["fail with storage"]]);
  });

  it("commits the refresh token of an answer that is of no use otherwise", () => {
    const useless: Line[] = [['log "answer"', done], ['interpret "answer"', spoiled("r2")], [
      "commit r2 (strict) over v1",
      done,
    ], ["tidy", done]];
    follows([...inHand, ...useless, ["unlock", done], ["fail with invalid_response"]]);
    follows([
      ...due({ kept: strict }),
      ...announced,
      ["present r1", answered()],
      ...useless,
      [
        "postpone t1 because of nonsense",
        done,
      ],
      ["unlock", done],
      ["deliver t1 because of nonsense"],
    ]);
  });

  it("takes an answer that nobody can read for a lost one", () => {
    follows([
      ...due({ kept: strict }),
      ...announced,
      ["present r1", answered()],
      ...whole,
      ['interpret "answer"', spoiled()],
      ["postpone t1 because of nonsense", done],
      ["unlock", done],
      ["deliver t1 because of nonsense"],
    ]);
  });

  it("hears a refusal in an answer that calls itself a success", () => {
    follows([...inHand, ...whole, ['interpret "answer"', refused], ["tidy", done], ["unlock", done], [
      "fail with server_refused",
    ]]);
  });
});

describe("the refresh protocol, when the answer is lost,", () => {
  const repeated: Line[] = [
    ["present r1", unclear],
    ["rest 500 ms", done],
    ["announce r1", done],
    ["present r1", unclear],
    ["rest 5000 ms", done],
    ["announce r1", done],
    ["present r1", unclear],
  ];

  it("serves what is due at a strict server, and leaves the announcement for whoever comes next", () => {
    follows([
      ...due({ kept: strict }),
      ...announced,
      ["present r1", unclear],
      ["postpone t1 because of silence", done],
      ["unlock", done],
      ["deliver t1 because of silence"],
    ]);
  });

  for (const verdict of ["overdue", "useless"] as const) {
    it(`tries again at a strict server when the token is ${verdict}: nothing is left to lose`, () => {
      const end: Line[] = verdict === "useless"
        ? [["unlock", done], ["fail with network"]]
        : [["postpone t1 because of silence", done], ["unlock", done], ["deliver t1 because of silence"]];
      follows([...none({ kept: strict }, verdict), ...announced, ...repeated, ...end]);
    });
  }

  it("does not wait again for a server that did not answer in time, and leaves the announcement", () => {
    const hanging = { is: "unclear", error: new TokenError("timeout", "silence", { sent: true }) } as const;
    const begun: Line[] = [...announced, ["present r1", hanging]];
    const postponed: Line = ["postpone t1 because of silence", done];
    follows([...none({ kept: kept() }), ...begun, ["unlock", done], ["fail with timeout"]]);
    for (const rotation of ["replacing", "grace", "steady"] as const) {
      const end: Line[] = [postponed, ["unlock", done], ["deliver t1 because of silence"]];
      follows([...due({ kept: kept(rotation) }), ...begun, ...end]);
    }
  });

  for (const rotation of [undefined, "replacing", "grace", "steady"] as const) {
    const sight = { kept: kept(rotation) };
    const end: Line[] = [
      ["postpone t1 because of silence", done],
      ["unlock", done],
      ["deliver t1 because of silence"],
    ];

    it(`tries again at once, and once more at 5 s, at a server that is ${rotation ?? "unknown"}`, () => {
      follows([...none(sight, "overdue"), ...announced, ...repeated, ...end]);
    });

    it(`tries again at once, and serves what is due, at a server that is ${rotation ?? "unknown"}`, () => {
      follows([...due(sight), ...announced, ...repeated.slice(0, 4), ...end]);
    });
  }

  it("does not try again when somebody was at it meanwhile, in spite of the lock", () => {
    follows([
      ...none({ kept: kept() }),
      ...announced,
      ["present r1", unclear],
      ["rest 500 ms", done],
      ["announce r1", overtaken],
      ["look", seen("good", { kept: kept("strict", { refreshToken: "r2" }) })],
      ["unlock", done],
      ["deliver t1"],
    ]);
  });

  it("serves what is due when the server is in trouble", () => {
    const error = new TokenError("unavailable", "trouble", { sent: true, status: 503 });
    follows([
      ...due({ kept: kept() }),
      ...announced,
      ["present r1", { is: "unclear", error }],
      ["postpone t1 because of trouble", done],
      ["unlock", done],
      ["deliver t1 because of trouble"],
    ]);
  });

  it("learns that a server forgives only where it is certain that it had used the token up", () => {
    const path = (first: typeof unclear, rotation: string): Line[] => [
      ...none({ kept: kept() }),
      ...announced,
      ["present r1", first],
      ["rest 500 ms", done],
      ["announce r1", done],
      ["present r1", answered()],
      ...whole,
      ['interpret "answer"', holds("r2")],
      [`commit r2 (${rotation}) over v1`, done],
      ["keep t2", done],
      ["tidy", done],
      ["unlock", done],
      ["deliver t2"],
    ];
    follows(path(unclear, "replacing"));
    follows(path(processed, "grace"));
  });

  it("leaves the announcement when the repetition is refused or not sent", () => {
    for (const [event, code] of [[refused, "server_refused"], [later(60), "unavailable"]] as const) {
      const wish: Line[] = event === refused
        ? []
        : [["postpone the next request because of too many requests", done]];
      follows([
        ...none({ kept: kept() }),
        ...announced,
        ["present r1", unclear],
        ["rest 500 ms", done],
        ["announce r1", done],
        ["present r1", event],
        ...wish,
        ["unlock", done],
        [`fail with ${code}`],
      ]);
    }
  });
});

describe("the refresh protocol, when its caller gives up between two presentations,", () => {
  const given = failed("aborted");
  it("takes the announcement back, unless an answer was lost", () => {
    const path: Line[] = [...none({ kept: kept() }), ...announced];
    follows([...path, ["present r1", unsent], ["rest 200 ms", given], ["tidy", done], ["unlock", done], [
      "fail with aborted",
    ]]);
    follows([...path, ["present r1", unclear], ["rest 500 ms", given], ["unlock", done], [
      "fail with aborted",
    ]]);
  });
});

describe("the refresh protocol, when the server does not take the request,", () => {
  it("sends what never arrived again, and serves what is due meanwhile", () => {
    follows([
      ...none({ kept: strict }),
      ...announced,
      ["present r1", unsent],
      ["rest 200 ms", done],
      ["announce r1", done],
      ["present r1", unsent],
      ["rest 1000 ms", done],
      ["announce r1", done],
      ["present r1", unsent],
      ["tidy", done],
      ["unlock", done],
      ["fail with network"],
    ]);
    follows([
      ...due({ kept: strict }),
      ...announced,
      ["present r1", unsent],
      ["tidy", done],
      ["postpone t1 because of no network", done],
      ["unlock", done],
      ["deliver t1 because of no network"],
    ]);
  });

  it("waits for a short wish of the server, reports a long one, and remembers it", () => {
    follows([
      ...none({ kept: strict }),
      ...announced,
      ["present r1", later(3)],
      ["rest 3000 ms", done],
      ["announce r1", done],
      ["present r1", later(30)],
      ["tidy", done],
      ["postpone the next request because of too many requests", done],
      ["unlock", done],
      ["fail with unavailable"],
    ]);
  });

  it("asks once more after a second where the server gives no time", () => {
    follows([
      ...none({ kept: strict }),
      ...announced,
      ["present r1", later()],
      ["rest 1000 ms", done],
      ["announce r1", done],
      ["present r1", later()],
      ["tidy", done],
      ["unlock", done],
      ["fail with unavailable"],
    ]);
  });

  it("serves what it has when the server refuses the client, and takes the announcement back", () => {
    follows([
      ...due({ kept: strict }),
      ...announced,
      ["present r1", refused],
      ["tidy", done],
      ["postpone t1 because of a wrong secret", done],
      ["unlock", done],
      ["deliver t1 because of a wrong secret"],
    ]);
  });
});

describe("the refresh protocol, when the server calls the refresh token dead,", () => {
  const refusal: Line[] = [...none({ kept: strict }), ...announced, ["present r1", dead]];
  const stillThere = seen("useless", { kept: strict, announced: true });
  const burial = "commit r1 (strict) over v1 as dead: Session not active";

  it("reads again, and marks it as dead with the server's words if it is still the one that was sent", () => {
    follows([...refusal, ["look", stillThere], [burial, done], ["tidy", done], ["unlock", done], [
      "fail with sign_in_required",
    ]]);
  });

  it("learns that the server does not forgive, where it is certain that it had used the token up", () => {
    follows([
      ...none({ kept: kept() }),
      ...announced,
      ["present r1", processed],
      ["rest 500 ms", done],
      ["announce r1", done],
      ["present r1", dead],
      ["look", seen("useless", { kept: kept() })],
      [burial, done],
      ["tidy", done],
      ["unlock", done],
      ["fail with sign_in_required"],
    ]);
  });

  it("serves the token that is due all the same", () => {
    follows([
      ...due({ kept: strict }),
      ...announced,
      ["present r1", dead],
      ["look", seen("due", { kept: strict })],
      [burial, done],
      ["tidy", done],
      ["postpone t1 because of an end", done],
      ["unlock", done],
      ["deliver t1 because of an end"],
    ]);
  });

  it("never buries another one: it presents the one that somebody stored meanwhile", () => {
    follows([
      ...refusal,
      ["look", seen("useless", { version: "v2", kept: kept("strict", { refreshToken: "r2" }) })],
      ["prepare", done],
      ["announce r2", done],
      ["present r2", refused],
      ["tidy", done],
      ["unlock", done],
      ["fail with server_refused"],
    ]);
  });

  it("looks again when somebody writes before the burial", () => {
    follows([...refusal, ["look", stillThere], [burial, overtaken], ["look", seen("good", { token: "t9" })], [
      "unlock",
      done,
    ], ["deliver t9"]]);
  });

  it("puts one that was received beside it in its place, and presents that", () => {
    const beside = kept("strict", { alternatives: ["r8", "r7"] });
    follows([
      ...refusal,
      ["look", seen("useless", { kept: beside })],
      ["commit r8 (strict) beside r7 over v1", done],
      ["tidy", done],
      ["look", seen("useless", { version: "v2", kept: kept("strict", { refreshToken: "r8" }) })],
      ["prepare", done],
      ["announce r8", done],
      ["present r8", refused],
      ["tidy", done],
      ["unlock", done],
      ["fail with server_refused"],
    ]);
  });

  it("reads an answer that somebody else logged before it believes it", () => {
    follows([
      ...refusal,
      ["look", seen("useless", { kept: strict, ...logged("theirs") })],
      ['interpret "theirs"', holds("r2")],
      ["commit r2 (strict) over v1", done],
      ["keep t2", done],
      ["tidy", done],
      ["look", seen("good", { token: "t2" })],
      ["unlock", done],
      ["deliver t2"],
    ]);
  });

  it("asks a server that forgives once more", () => {
    const forgiving = { kept: kept("grace") };
    follows([
      ...none(forgiving),
      ...announced,
      ["present r1", dead],
      ["look", seen("useless", forgiving)],
      ["rest 200 ms", done],
      ["announce r1", done],
      ["present r1", dead],
      ["look", seen("useless", forgiving)],
      ["commit r1 (grace) over v1 as dead: Session not active", done],
      ["tidy", done],
      ["unlock", done],
      ["fail with sign_in_required"],
    ]);
  });

  it("lets a sign-out be", () => {
    follows([...refusal, ["look", seen("useless")], ["tidy", done], ["unlock", done], [
      "fail with sign_in_required",
    ]]);
  });
});

describe("the refresh protocol, when whoever held the lock before died,", () => {
  const recovered: Line[] = [
    ['interpret "theirs"', holds("r2")],
    ["commit r2 (strict) over v1", done],
    ["keep t2", done],
    ["tidy", done],
  ];

  it("finishes the commit that the dead one could not: nothing is lost", () => {
    follows([...none({ kept: strict, ...logged("theirs") }), ...recovered, [
      "look",
      seen("good", { token: "t2" }),
    ], [
      "unlock",
      done,
    ], ["deliver t2"]]);
  });

  it("goes on with the new refresh token where the dead one wanted another access token", () => {
    follows([
      ...none({ kept: strict, ...logged("theirs") }),
      ...recovered,
      ["look", seen("useless", { version: "v2", kept: kept("strict", { refreshToken: "r2" }) })],
      ["prepare", done],
      ["announce r2", done],
      ["present r2", refused],
      ["tidy", done],
      ["unlock", done],
      ["fail with server_refused"],
    ]);
  });

  it("takes the next log too that it finds, and none of them twice", () => {
    const other = kept("strict", { refreshToken: "r2" });
    follows([
      ...none({ kept: strict, ...logged("theirs") }),
      ...recovered,
      ["look", seen("useless", { version: "v2", kept: other, ...logged("another") })],
      ['interpret "another"', holds("r3")],
      ["commit r3 (strict) over v2", done],
      ["keep t2", done],
      ["tidy", failed()],
      [
        "look",
        seen("useless", {
          version: "v3",
          kept: kept("strict", { refreshToken: "r3" }),
          ...logged("another", false),
        }),
      ],
      ["prepare", done],
      ["announce r3", done],
      ["present r3", refused],
      ["tidy", done],
      ["unlock", done],
      ["fail with server_refused"],
    ]);
  });

  it("looks again where somebody else has finished that commit, and does not bring the old token back", () => {
    const other = kept("strict", { refreshToken: "r3" });
    follows([
      ...none({ kept: strict, ...logged("theirs") }),
      ['interpret "theirs"', holds("r2")],
      ["commit r2 (strict) over v1", { is: "overtaken" }],
      ["look", seen("good", { token: "t3", version: "v3", kept: other })],
      ["unlock", done],
      ["deliver t3"],
    ]);
  });

  it("goes on with that log where it is still needed", () => {
    follows([
      ...none({ kept: strict, ...logged("theirs") }),
      ['interpret "theirs"', holds("r2")],
      ["commit r2 (strict) over v1", { is: "overtaken" }],
      ["look", seen("useless", { version: "v2", kept: strict, ...logged("theirs") })],
      ['interpret "theirs"', holds("r2")],
      ["commit r2 (strict) over v2", done],
      ["keep t2", done],
      ["tidy", done],
      ["look", seen("good", { token: "t2" })],
      ["unlock", done],
      ["deliver t2"],
    ]);
  });

  it("makes sure that the commit is on the disk where only the tidying was missing", () => {
    follows([
      ...none({ kept: kept("strict", { refreshToken: "r2" }), ...logged("theirs", false) }),
      ['interpret "theirs"', holds("r2")],
      ["commit r2 (strict) over v1", done],
      ["keep t2", done],
      ["tidy", done],
      ["look", seen("good", { token: "t2" })],
      ["unlock", done],
      ["deliver t2"],
    ]);
  });

  it("keeps a refresh token that somebody else's commit pushed aside", () => {
    follows([
      ...none({ kept: kept("strict", { refreshToken: "r9" }), ...logged("theirs", false) }),
      ['interpret "theirs"', holds("r2")],
      ["commit r9 (strict) beside r2 over v1", done],
      ["keep t2", done],
      ["tidy", done],
      ["look", seen("good", { token: "t2" })],
      ["unlock", done],
      ["deliver t2"],
    ]);
  });

  it("puts it in the place of one that is dead", () => {
    const buried = kept("strict", { dead: { at: 1, words: "Session not active" } });
    follows([
      ...none({ kept: buried, ...logged("theirs", false) }),
      ['interpret "theirs"', holds("r2")],
      ["commit r2 (strict) over v1", done],
      ["keep t2", done],
      ["tidy", done],
      ["look", seen("good", { token: "t2" })],
      ["unlock", done],
      ["deliver t2"],
    ]);
  });

  it("saves the refresh token of an answer that is of no use otherwise", () => {
    follows([
      ...none({ kept: strict, ...logged("theirs") }),
      ['interpret "theirs"', spoiled("r2")],
      ["commit r2 (strict) over v1", done],
      ["tidy", done],
      ["look", seen("useless", { kept: undefined })],
      ["unlock", done],
      ["fail with sign_in_required"],
    ]);
  });

  it("takes a log that nobody can read for an announcement, and reads it once", () => {
    const unreadable: Line = ['interpret "theirs"', spoiled()];
    follows([...due({ kept: strict, ...logged("theirs") }), unreadable, ["unlock", done], ["deliver t1"]]);
    follows([
      ...none({ kept: strict, ...logged("theirs") }),
      unreadable,
      ...announced,
      ["present r1", unsent],
      ["rest 200 ms", done],
      ["announce r1", done],
      ["present r1", dead],
      ["look", seen("useless", { kept: strict, ...logged("theirs") })],
      [
        "commit r1 (strict) over v1 as dead: Session not active",
        done,
      ],
      ["tidy", done],
      ["unlock", done],
      ["fail with sign_in_required"],
    ]);
  });

  it("serves what is due where the token may be used up at a strict server", () => {
    follows([...due({ kept: strict, announced: true }), ["unlock", done], ["deliver t1"]]);
  });

  it("presents it again where nothing is left to lose, or the server may forgive", () => {
    const end: Line[] = [...announced, ["present r1", answered()], ...whole, [
      'interpret "answer"',
      holds("r2"),
    ]];
    const rest = (rotation: string): Line[] => [
      [`commit r2 (${rotation}) over v1`, done],
      ["keep t2", done],
      ["tidy", done],
      ["unlock", done],
      ["deliver t2"],
    ];
    follows([...none({ kept: strict, announced: true }), ...end, ...rest("strict")]);
    follows([...none({ kept: strict, announced: true }, "overdue"), ...end, ...rest("strict")]);
    follows([...due({ kept: kept(), announced: true }), ...end, ...rest("replacing")]);
    follows([...due({ kept: kept("replacing"), announced: true }), ...end, ...rest("replacing")]);
    follows([...due({ kept: kept("grace"), announced: true }), ...end, ...rest("grace")]);
  });
});

describe("what a server is learned to do", () => {
  const cases = [
    ["unknown", "r1", false, "steady"],
    ["unknown", "r2", false, "replacing"],
    ["unknown", "r2", true, "grace"],
    ["steady", "r2", false, "replacing"],
    ["replacing", "r1", false, "replacing"],
    ["replacing", "r2", false, "replacing"],
    ["replacing", "r2", true, "grace"],
    ["strict", "r2", false, "strict"],
    // some replace a refresh token only near its end: what they did once they will do again
    ["strict", "r1", false, "strict"],
    ["strict", "r2", true, "grace"],
    ["grace", "r1", false, "grace"],
    ["grace", "r2", false, "grace"],
  ] as const;
  for (const [before, received, forgiven, after] of cases) {
    it(`is ${after} after ${before}, when ${received} comes for r1${forgiven ? " a second time" : ""}`, () => {
      assert.equal(learnedRotation(before, "r1", received, forgiven), after);
    });
  }
});
