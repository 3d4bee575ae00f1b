// The ways to be root in a root file system, the one that takes away least first. To add one: its file, its line here.

import { bwrap } from "./bwrap.ts";
import { chroot } from "./chroot.ts";
import { ident } from "./ident.ts";
import type { Way } from "./isolation.ts";
import { proot } from "./proot.ts";
import { root } from "./root.ts";
import { single } from "./single.ts";
import { subid } from "./subid.ts";

export const ways: readonly Way[] = [root, subid, ident, single, bwrap, chroot, proot];
