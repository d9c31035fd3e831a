/** What lies where in the project's folder, without a look at any bytes. Paths are relative to its root. */
export interface WorkTree {
  kindOf(path: string): 'file' | 'folder' | undefined
  /** The first folder on the way to a path that is a link, or the path if it is a link to a folder. */
  linkOnTheWay(path: string): string | undefined
  /** Makes links to files elsewhere than in the cache the files that they lead to. */
  ownLinks(path: string): Promise<void>
  remove(path: string): Promise<void>
  /** Throws `exists` where something is at `to`. */
  move(from: string, to: string): Promise<void>
  /** Copies a file or a folder of this machine; with `force` in the place of what is at `to`. */
  copyIn(source: string, to: string, how: { force: boolean }): Promise<void>
  /** Takes away the line that made version control ignore the path; gives the ignore file that is left, if it changed. */
  unignore(path: string): Promise<string | undefined>
}

/** The `.dvc` files themselves. */
export interface TrackedFiles {
  exists(file: string): boolean
  remove(file: string): Promise<void>
  /** Gives an out another path, in the same file or in a new one that takes its place. */
  moveOut(file: string, move: { from: string; to: string; toFile: string }): Promise<void>
}
