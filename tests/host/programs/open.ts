/** Opens its argument in the browser and says whether that was possible. */

import process from "node:process";
import { workstation } from "../../../lib/host/host.ts";

const host = workstation();
const opened = await host.openBrowser(process.argv[2]);
host.answer(JSON.stringify({ browser: host.browser(), opened }));
