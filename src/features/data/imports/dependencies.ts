import type { DataDependencies } from '../dependencies.ts'
import type { Cache, Moving, Remote } from '../store.ts'
import type { Imported, ImportIdentity } from './imported.ts'
import type { Arrival, OpenSource } from './source.ts'

/** Files that say what was imported. */
export interface ImportCatalog {
  /** Undefined for a file that imports nothing. */
  read(file: string): Promise<Imported | undefined>
  /** Makes the file, or changes it and keeps what people wrote. Without `locked`, as one that was never executed. */
  write(file: string, imported: Imported, how: { locked: boolean }): Promise<void>
}

/** What lies at an address. */
export interface Offered {
  /** After it was taken, of what was taken. */
  identity(): Promise<ImportIdentity>
  readonly kind: 'file' | 'folder'
  /** Brings it into the cache. */
  take(): Promise<Arrival[]>
}

/** Files and folders outside of repositories: of this machine, of web servers, of remotes. */
export interface Addresses {
  /** Whether the place keeps the versions of its files. */
  keepsVersions(url: string): boolean
  /** A relative path counts from `folder` of the project. */
  look(
    url: string,
    at: {
      folder: string
      settings: Readonly<Record<string, string | boolean>>
      /** These versions are wanted, of a place that keeps versions; of others what is there now. */
      known?: ImportIdentity | undefined
    },
  ): Promise<Offered>
}

/** The way of something at an address to a remote; what it needs in between is gone when it is closed. */
export interface Passage {
  readonly addresses: Addresses
  readonly cache: Cache
  readonly remote: Remote
  readonly moving: Moving
  close(): Promise<void>
}

export interface ImportDependencies extends Pick<
  DataDependencies,
  'workspace' | 'cache' | 'catalog' | 'versionControl' | 'locks' | 'remote'
> {
  readonly sources: OpenSource
  readonly imports: ImportCatalog
  readonly addresses: Addresses
  /** To the remote of that name, or to the default one. */
  readonly passage: (remote: string | undefined) => Promise<Passage>
}
