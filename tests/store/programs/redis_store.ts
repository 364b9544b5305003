// Stores in Redis, for other processes: `redis_store.ts CLIENT SOCKET`.

import process from "node:process";
import { redisStore } from "../../../lib/store/redis.ts";
import { connect, type RedisPackage } from "../redis_clients.ts";
import { listen } from "../store_process.ts";

const { client } = await connect(process.argv[2] as RedisPackage, process.argv[3]);

listen({ open: (name) => redisStore(client, { prefix: `${name}:`, deadline: 120_000 }) });
