import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import type { ExecutionContext } from "ava";

/** Lets a server listen on a free port of the loopback until the test ends, and gives the port. */
export async function listen(
  t: Pick<ExecutionContext, "teardown">,
  server: Server | HttpServer,
  address = "127.0.0.1",
): Promise<number> {
  server.listen(0, address);
  await once(server, "listening");
  t.teardown(async () => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return (server.address() as AddressInfo).port;
}
