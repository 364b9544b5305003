/** Says what the quick calls of this runtime find in the environment; its argument names a variable. */

import process from "node:process";
import { fastIo } from "../../../lib/host/fast_io.ts";
import { answer } from "../../../lib/host/standard_streams.ts";

const io = fastIo();
const { config, data, state } = io ?? {};
answer(JSON.stringify(io ? { config, data, state, value: io.environment(process.argv[2]) ?? null } : null));
