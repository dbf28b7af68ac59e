/**
 * ONNX Runtime's builds for Linux send figures of their use to its maker unless this is set when they are loaded. Nothing
 * leaves the machine unasked: this stands before the import of the library.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
