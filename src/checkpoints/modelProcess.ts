// The process of its own that holds one checkpoint: the native library computes where it can block or crash alone.
import { nativeProblem } from './nativeLibrary';
import { serveModel } from './serveModel';

serveModel(async (parts, options) => {
  try {
    // Asked for only now, so that a library that cannot be loaded is an answer and not the end of the process.
    const { loadLanguageModel } = await import('./onnxModel');
    return await loadLanguageModel(parts, options);
  } catch (error) {
    throw nativeProblem(error) ?? error;
  }
});
