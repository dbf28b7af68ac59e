import { FileSystemError, type Disposable, type Uri } from 'vscode';

/** What every file system of texts that lie in no folder answers alike. */
export abstract class TextFiles {
  /** Why a file cannot be made, moved or taken away. */
  protected abstract refusal(): FileSystemError;

  watch(): Disposable {
    return { dispose: () => undefined };
  }

  readDirectory(uri: Uri): never {
    throw FileSystemError.FileNotADirectory(uri);
  }

  createDirectory(): never {
    throw this.refusal();
  }

  delete(): never {
    throw this.refusal();
  }

  rename(): never {
    throw this.refusal();
  }
}
