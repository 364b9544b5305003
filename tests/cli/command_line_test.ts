import { currentRuntime } from "../process.ts";
import { testCommandLine } from "./command_line.ts";

// Whatever runs the tests drives itself and the binary; Deno, where everything is tested, drives all of them.
testCommandLine("binary");
if (currentRuntime() === "deno") {
  testCommandLine("deno");
  testCommandLine("deno mod.ts");
  testCommandLine("bun");
  testCommandLine("node");
} else {
  testCommandLine(currentRuntime());
}
