/** What a project, or a model, asks of what its code runs in. */
export interface EnvironmentSpec {
  /** For example `3.11`; undefined takes what the machine has. */
  readonly python: string | undefined
  /** Undefined for no environment of its own. */
  readonly source: Source | undefined
}

/** What says which packages there are. */
export type Source =
  | { readonly kind: 'python' }
  | Requirements
  | UvLock
  | PyProject
  | CondaLock
  | {
      readonly kind: 'image'
      readonly image: string
      readonly engine: 'podman' | 'docker' | undefined
    }

export interface Requirements {
  readonly kind: 'requirements'
  readonly file: string
  /** The text of the file and of those that it names: what the environment is known by. */
  readonly text: string
  /** Where paths in it start. */
  readonly folder: string
}

export interface UvLock {
  readonly kind: 'uv-lock'
  readonly file: string
  readonly text: string
  readonly extras: readonly string[]
  readonly groups: readonly string[]
  /** What else of pyproject.toml decides what is installed. */
  readonly settings: string
  /** Where the project's own modules lie, when it is a package; its environment does not hold it, so that all checkouts share one. */
  readonly modules: string | undefined
}

export interface PyProject {
  readonly kind: 'pyproject'
  readonly file: string
  readonly requirements: readonly string[]
  readonly requiresPython: string | undefined
  readonly modules: string | undefined
}

export interface CondaLock {
  readonly kind: 'conda-lock'
  readonly file: string
  /** Addresses of packages, each with its hash behind a #, in the order of installing. */
  readonly packages: readonly string[]
  /** Packages of pip, with addresses and hashes, as a file of requirements has them. */
  readonly pip: readonly string[]
}
