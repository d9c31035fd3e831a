import type { Project, Snapshot } from './project.ts'

export interface ProjectReads {
  list(): Promise<Project[]>
  find(name: string): Promise<Project | undefined>
}

export interface ProjectWrites extends ProjectReads {
  save(project: Project): Promise<void>
}

/** The server's own clones. It never touches anybody's working tree. */
export interface Clones {
  /** Fetches the newest commit of the branch (the origin's default one when none is named). Throws `invalid` with what to mend. */
  fetch(source: { origin: string; branch?: string }): Promise<Snapshot>
}
