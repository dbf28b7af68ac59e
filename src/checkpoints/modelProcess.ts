// The process of its own that holds one checkpoint: the native library computes where it can block or crash alone.
import { nativeProblem } from './nativeLibrary';
import { runtimeProblem } from './runtimeProblem';
import { serveModel } from './serveModel';

serveModel(
  async (parts, options) => {
    // Asked for only now, so that a library that cannot be loaded is an answer and not the end of the process.
    const { loadLanguageModel } = await import('./onnxModel');
    return loadLanguageModel(parts, options);
  },
  (error) => nativeProblem(error) ?? runtimeProblem(error) ?? error,
);
