import test, { type ExecutionContext } from "ava";

/** As `hostTest`, for heavy work: the tests of a file that are declared by it run one after the other. */
export function serialHostTest(
  need: string,
  isMet: boolean,
  title: string,
  body: (t: ExecutionContext) => unknown,
): void {
  const declare = process.env["CI"] !== undefined || isMet ? test.serial : test.serial.skip;
  declare(`${title} [${need}]`, async (t) => {
    await body(t);
  });
}
