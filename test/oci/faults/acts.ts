// What goes wrong with an answer on its way, in words for tables.

import type { ServerResponse } from "node:http";
import { pass, type Answer, type Fault } from "../../helpers/fault-proxy.ts";
import { tagPath } from "./fault-site.ts";

/** The answer with a part of a blob, as if it was all: the client can't know before it ends. */
export function begin(response: ServerResponse, answer: Answer, bytes: number): void {
  response.writeHead(answer.status, answer.headers as Record<string, string>);
  response.write(answer.body.subarray(0, bytes));
}

/** The end comes after what was sent, and not over it as with `destroy`. */
export const cut = (bytes: number) => (response: ServerResponse, answer: Answer) => {
  begin(response, answer, bytes);
  response.socket?.end();
};
export const flip = ({ body }: Answer, at = 1000): Answer["body"] => {
  const wrong = Buffer.from(body);
  wrong[at % wrong.length] = (wrong[at % wrong.length] ?? 0) ^ 1;
  return wrong;
};

export type Act = (response: ServerResponse, answer: Answer) => void;
export const on =
  (path: string, act: Act, until = Infinity, method = "GET"): Fault =>
  (passing, response) => {
    if (passing.path !== path || passing.method !== method || passing.count >= until) return false;
    act(response, passing.answer);
    return true;
  };
export const status =
  (code: number, headers: Answer["headers"] = {}): Act =>
  (response) =>
    pass(response, { status: code, headers, body: Buffer.from("no") });
export const whole =
  (change: (answer: Answer) => Partial<Answer>): Act =>
  (response, answer) => {
    const changed = change(answer);
    const length =
      changed.body === undefined ? {} : { "content-length": String(changed.body.length) };
    pass(response, answer, {
      ...changed,
      headers: { ...answer.headers, ...length, ...changed.headers },
    });
  };

/** Another manifest stands under the tag, of which nobody tells the digest. */
export function byTag(body: Buffer): Fault {
  return byTagAct((response) => pass(response, { status: 200, headers: {}, body }));
}

export function byTagAct(act: Act): Fault {
  return (passing, response) => {
    if (passing.path !== tagPath) return false;
    (passing.method === "HEAD" ? status(405) : act)(response, passing.answer);
    return true;
  };
}
