// The bootstrap agents. To add one: write its file, then add its line here. What is heavy to load they load when opened.

export { archSource } from "./arch.ts";
export { busyboxSource } from "./busybox.ts";
export { debootstrapSource } from "./debootstrap.ts";
export { dockerSource } from "./docker.ts";
export { dockerArchiveSource } from "./docker-archive.ts";
export { dockerDaemonSource } from "./docker-daemon.ts";
export { ociSource } from "./oci.ts";
export { ociArchiveSource } from "./oci-archive.ts";
export { orasSource } from "./oras.ts";
export { httpSource } from "./http.ts";
export { librarySource } from "./library.ts";
export { localImageSource } from "./localimage.ts";
export { hostSource } from "./host.ts";
export { scratchSource } from "./scratch.ts";
export { shubSource } from "./shub.ts";
export { yumSource } from "./yum.ts";
export { zypperSource } from "./zypper.ts";
