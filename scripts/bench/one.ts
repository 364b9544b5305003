import { asText } from "/work/main/scripts/bench/table.ts";
import { machine } from "/work/main/scripts/bench/machine.ts";
const [file, name] = Deno.args;
const m = await import("/work/main/scripts/bench/tables/"+file+".ts");
const t = performance.now();
console.log(asText(await m[name](), machine())); console.error(performance.now()-t);
