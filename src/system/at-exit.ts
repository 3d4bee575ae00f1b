// What must not outlive the process, whichever way it ends: temporary folders, running programs. The usual way out is
// disposal; this is for the other ways, an exception that nobody caught or a second Ctrl-C.

type Action = () => void;

const actions = new Set<Action>();
let installed = false;

/**
 * Has an action done when the process exits, the latest first. It must be synchronous. Disposing takes it back.
 * A process that is killed by SIGKILL does none of it.
 */
export function atExit(action: Action): Disposable {
  if (!installed) {
    installed = true;
    process.on("exit", runAll);
  }
  actions.add(action);
  return {
    [Symbol.dispose]: () => {
      actions.delete(action);
    },
  };
}

function runAll(): void {
  for (const action of [...actions].toReversed()) {
    try {
      action();
    } catch {
      // The others still have to be done, and there is nobody left to tell.
    }
  }
  actions.clear();
}
