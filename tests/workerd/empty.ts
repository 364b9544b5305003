// A test file that forgot its tests. Run by tests/runtimes/workerd_core_test.ts.

import { describe } from "node:test";

describe("nothing", () => {});
