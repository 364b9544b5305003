import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Directories, directories, type Platform } from "../../lib/host/directories.ts";

interface Case {
  readonly name: string;
  readonly platform: Platform;
  readonly home: string;
  readonly variables?: Record<string, string>;
  readonly expected: Directories;
}

const HOME = "/home/ada";
const xdg = {
  config: "/home/ada/.config/apex-token",
  data: "/home/ada/.local/share/apex-token",
  state: "/home/ada/.local/state/apex-token",
  cache: "/home/ada/.cache/apex-token",
};
const support = "/Users/ada/Library/Application Support/apex-token";
const mac = { config: support, data: support, state: support, cache: "/Users/ada/Library/Caches/apex-token" };

const cases: Case[] = [
  { name: "Linux with nothing set", platform: "linux", home: HOME, expected: xdg },
  { name: "another Unix with nothing set", platform: "other", home: HOME, expected: xdg },
  {
    name: "Linux with everything set",
    platform: "linux",
    home: HOME,
    variables: {
      XDG_CONFIG_HOME: "/c",
      XDG_DATA_HOME: "/d/",
      XDG_STATE_HOME: "/s",
      XDG_CACHE_HOME: "/x",
      XDG_RUNTIME_DIR: "/run/user/1000",
    },
    expected: {
      config: "/c/apex-token",
      data: "/d/apex-token",
      state: "/s/apex-token",
      cache: "/x/apex-token",
      runtime: "/run/user/1000/apex-token",
    },
  },
  {
    name: "Linux with relative and empty values, which are ignored",
    platform: "linux",
    home: HOME,
    variables: {
      XDG_CONFIG_HOME: "c",
      XDG_DATA_HOME: "./d",
      XDG_STATE_HOME: "~/s",
      XDG_CACHE_HOME: "",
      XDG_RUNTIME_DIR: "run",
    },
    expected: xdg,
  },
  { name: "macOS with nothing set", platform: "darwin", home: "/Users/ada", expected: mac },
  {
    name: "macOS with one XDG variable",
    platform: "darwin",
    home: "/Users/ada",
    variables: { XDG_CONFIG_HOME: "/Users/ada/.config" },
    expected: { ...mac, config: "/Users/ada/.config/apex-token" },
  },
  {
    name: "Windows with its variables",
    platform: "windows",
    home: "C:\\Users\\ada",
    variables: { APPDATA: "D:\\Roaming", LOCALAPPDATA: "\\\\server\\Local", XDG_CONFIG_HOME: "/c" },
    expected: {
      config: "D:\\Roaming\\apex-token",
      data: "\\\\server\\Local\\apex-token",
      state: "\\\\server\\Local\\apex-token",
      cache: "\\\\server\\Local\\apex-token",
    },
  },
  {
    name: "Windows without them, or with paths that depend on the current drive",
    platform: "windows",
    home: "C:\\Users\\ada",
    variables: { APPDATA: "\\Roaming" },
    expected: {
      config: "C:\\Users\\ada\\AppData\\Roaming\\apex-token",
      data: "C:\\Users\\ada\\AppData\\Local\\apex-token",
      state: "C:\\Users\\ada\\AppData\\Local\\apex-token",
      cache: "C:\\Users\\ada\\AppData\\Local\\apex-token",
    },
  },
];

describe("the directories", () => {
  for (const { name, platform, home, variables = {}, expected } of cases) {
    it(`follow ${name}`, () => {
      const environment = (variable: string) => variables[variable] || undefined;
      assert.deepEqual(directories({ platform, home, environment }), expected);
    });
  }

  it("need no home when every variable is set, and say so when they do", () => {
    const variables: Record<string, string> = {
      XDG_CONFIG_HOME: "/c",
      XDG_DATA_HOME: "/d",
      XDG_STATE_HOME: "/s",
      XDG_CACHE_HOME: "/x",
    };
    const environment = (variable: string) => variables[variable];
    assert.equal(directories({ platform: "linux", home: "", environment }).state, "/s/apex-token");
    delete variables.XDG_STATE_HOME;
    for (const home of ["", "relative"]) {
      assert.throws(() => directories({ platform: "linux", home, environment }), {
        name: "TokenError",
        code: "storage",
      });
    }
  });
});
