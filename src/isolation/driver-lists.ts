// What of a graphics driver belongs to the machine and not to an image: its libraries (the beginnings of their names), its
// programs, and files that tell others where it is. The same names as in Apptainer's nvliblist.conf and rocmliblist.conf,
// which the run time goes by; where the machine has such a file, that one counts.

export type DriverKind = "nv" | "rocm";

/** Names without a slash that hold `.so` are libraries, other ones programs; paths are files. */
export const driverNames: Readonly<Record<DriverKind, readonly string[]>> = {
  nv: `
    nvidia-smi nvidia-debugdump nvidia-persistenced nvidia-cuda-mps-control nvidia-cuda-mps-server
    libcuda.so libcudadebugger.so libEGL_installertest.so libEGL_nvidia.so libEGL.so libGLdispatch.so
    libGLESv1_CM_nvidia.so libGLESv1_CM.so libGLESv2_nvidia.so libGLESv2.so libGL.so libGLX_installertest.so
    libGLX_nvidia.so libglx.so libGLX.so libnvcuvid.so libnvidia-cbl.so libnvidia-cfg.so libnvidia-compiler.so
    libnvidia-eglcore.so libnvidia-egl-wayland.so libnvidia-encode.so libnvidia-fatbinaryloader.so
    libnvidia-fbc.so libnvidia-glcore.so libnvidia-glsi.so libnvidia-glvkspirv.so libnvidia-gpucomp.so
    libnvidia-gtk2.so libnvidia-gtk3.so libnvidia-ifr.so libnvidia-ml.so libnvidia-nvvm.so libnvidia-opencl.so
    libnvidia-opticalflow.so libnvidia-ptxjitcompiler.so libnvidia-rtcore.so libnvidia-tls.so libnvidia-wfb.so
    libnvoptix.so libOpenCL.so libOpenGL.so libvdpau_nvidia.so nvidia_drv.so tls_test_.so
    /usr/share/glvnd/egl_vendor.d/10_nvidia.json /usr/share/vulkan/icd.d/nvidia_icd.json
    /usr/share/vulkan/icd.d/nvidia_layers.json /usr/share/vulkan/implicit_layer.d/nvidia_layers.json
    /usr/share/egl/egl_external_platform.d/15_nvidia_gbm.json
    /usr/share/egl/egl_external_platform.d/10_nvidia_wayland.json /usr/share/nvidia/nvoptix.bin
  `
    .trim()
    .split(/\s+/),
  rocm: `
    rocm-smi rocminfo libCXLActivityLogger.so libhc_am.so libmcwamp.so libmcwamp_cpu.so libmcwamp_hsa.so libdrm.so
    libdrm_amdgpu.so libnuma.so libpci.so librocr_debug_agent64.so libamdcomgr64.so libamdocl64.so libcltrace.so
    libOpenCL.so
  `
    .trim()
    .split(/\s+/),
};

/** The machine's own list, one name a line, `#` for remarks. */
export const driverListFiles: Readonly<Record<DriverKind, string>> = {
  nv: "/etc/apptainer/nvliblist.conf",
  rocm: "/etc/apptainer/rocmliblist.conf",
};

/** The devices of each: names in /dev. */
export const driverDevices: Readonly<Record<DriverKind, RegExp>> = {
  nv: /^nvidia/,
  rocm: /^(?:dri|kfd)$/,
};

/** The names of a list's text. */
export function parseDriverList(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}
