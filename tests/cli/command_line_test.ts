import { describe } from "node:test";
import { currentRuntime } from "../process.ts";
import { testCommandLine } from "./command_line.ts";

describe("every way to run it", () => {
  // Each runner drives its own runtime, and Deno's the binary too, so that nothing is driven twice.
  if (currentRuntime() === "deno") {
    testCommandLine("deno");
    testCommandLine("deno mod.ts");
    testCommandLine("binary");
  } else {
    testCommandLine(currentRuntime());
  }
});
