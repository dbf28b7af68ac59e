/** Why training is not possible on such a machine, in one sentence; undefined where it is. */
export function unsupported(platform: NodeJS.Platform, architecture: string): string | undefined {
  if (platform === 'darwin' && architecture === 'x64') {
    return 'PyTorch no longer exists for Intel Macs, so this Mac can read runs but not train; train on Apple silicon, Linux or Windows.';
  }
  const supported: Partial<Record<NodeJS.Platform, readonly string[]>> = {
    linux: ['x64', 'arm64'],
    darwin: ['arm64'],
    win32: ['x64'],
  };
  if (supported[platform]?.includes(architecture) === true) return undefined;
  return `PyTorch has no packages for ${platform} on ${architecture}, so this machine can read runs but not train; train on Linux, Windows or a Mac with Apple silicon.`;
}
