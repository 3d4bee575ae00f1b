import type { Answers, Scene } from "./answer.ts";
import { execAnswers } from "./answer-exec.ts";
import { identityAnswers } from "./answer-identity.ts";
import { newFileAnswers } from "./answer-new-file.ts";
import { ownerAnswers } from "./answer-owner.ts";
import { statAnswers } from "./answer-stat.ts";

const rootChanges = ({ caller, listener }: Scene): void => {
  caller.rootChanges();
  listener.proceed();
};

const answers: Answers = {
  ...ownerAnswers,
  ...identityAnswers,
  ...execAnswers,
  ...statAnswers,
  ...newFileAnswers,
  chroot: rootChanges,
  pivot_root: rootChanges,
  unshare: rootChanges,
  setns: rootChanges,
};

/** Answers the call that waits. */
export function answerCall(scene: Scene): void {
  const { call } = scene.listener;
  const answer = call === undefined ? undefined : answers[call];
  if (answer === undefined) scene.listener.proceed();
  else answer(scene);
}
