import { extensions } from 'vscode';

/** What this extension uses of the Python extension's API. */
interface PythonExtension {
  readonly environments?: { getActiveEnvironmentPath(): { readonly path: string } };
}

/** The interpreter that is chosen in the Python extension, where that is there and one is. */
export async function activePython(): Promise<string | undefined> {
  const extension = extensions.getExtension<PythonExtension>('ms-python.python');
  if (extension === undefined) return undefined;
  const api = await extension.activate();
  const path = api.environments?.getActiveEnvironmentPath().path;
  return path === '' ? undefined : path;
}
