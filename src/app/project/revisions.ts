import { realpathSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { Problem } from '#base/problem'
import type { KeptPath, Revisions } from '#data'
import type { LoadedPipelines } from '#stages'
import { dvcIgnoreRules } from '#protocols/dvc/ignore'
import type { CommandStyle } from '#protocols/dvc/template'
import { gitRootOf } from '#stores/dvc/git'
import {
  openGitHistory,
  sizesAt,
  unknownRevision,
  untrackedIn,
  type GitHistory,
  type GitTree,
} from '#stores/dvc/git-revisions'
import { ignoreFiles, parentOf, type ProjectTree } from './tree.ts'
import { collected, isDvcFile, outsOf } from './walk.ts'

export interface ProjectRevisions extends Revisions {
  /** Everything that the DVC files of a commit say; undefined where the project did not exist yet. */
  load(commit: string): Promise<LoadedPipelines | undefined>
}

export interface RevisionsOptions {
  readonly commandStyle: CommandStyle
  /** Where the project lies in the repository, if it is bare; else it is looked for. */
  readonly prefix?: string
}

/** The history of a project: its files are those of a commit, read by the readers of those on disk. */
export function openRevisions(root: string, options: RevisionsOptions): ProjectRevisions {
  const history = openGitHistory(root)
  let prefix = options.prefix
  const treeAt = async (commit: string) => {
    prefix ??= prefixIn(root)
    return history.tree(commit, prefix)
  }
  const texts = new Map<string, string>()
  const load = async (commit: string) => {
    const tree = await treeAt(commit)
    return tree === undefined ? undefined : loaded(history, { tree, texts, ...options })
  }
  return {
    resolve: async (name) => {
      prefix ??= prefixIn(root)
      const commit = await history.resolve(name)
      if (commit === undefined) throw unknownRevision(name)
      return { commit, names: [name] }
    },
    all: async (selection) => {
      prefix ??= prefixIn(root)
      return history.all(selection)
    },
    load,
    outsAt: async (commit) => {
      const files = await load(commit)
      if (files === undefined) return []
      // Whoever asks for all outs may be about to remove what is none: a file that cannot be read hides some.
      const [broken] = files.problems
      if (broken !== undefined)
        throw new Problem(
          'invalid',
          `${broken.file} of commit ${commit.slice(0, 12)}: ${broken.message}`,
        )
      return outsOf(files)
    },
    read: async (commit, path) => {
      const entry = (await treeAt(commit))?.at(path)
      if (entry?.kind !== 'file') return undefined
      return (await history.blobs([entry.id])).get(entry.id)
    },
    kept: async (commit, folder, how) => {
      const tree = await treeAt(commit)
      if (tree?.list(folder) === undefined) return undefined
      const kept = keptBelow(tree, folder, how)
      if (how.sizes !== true) return kept
      const sizes = await sizesAt(root, commit)
      return kept.map((each) => withSize(each, sizes.get(join(prefix ?? '', each.path))))
    },
    untracked: () => untrackedIn(root),
    close: () => history.close(),
  }
}

/** Where a project lies in the repository that keeps it. */
function prefixIn(root: string): string {
  const top = gitRootOf(root)
  if (top === undefined)
    throw new Problem('not-found', `${root} is not in a Git repository, so it has no revisions`)
  return relative(top, realpathSync(root)).split(sep).join('/')
}

/** Folders weigh nothing. */
function withSize(kept: KeptPath, sizeBytes = 0): KeptPath {
  return { ...kept, sizeBytes }
}

function keptBelow(tree: GitTree, top: string, how: { deep: boolean }): KeptPath[] {
  const kept: KeptPath[] = []
  const take = (folder: string) => {
    for (const { name, kind, executable } of tree.list(folder) ?? []) {
      const path = folder === '' ? name : `${folder}/${name}`
      kept.push({ path, kind: kind === 'module' ? 'folder' : kind, executable })
      if (kind === 'folder' && how.deep) take(path)
    }
  }
  take(top)
  return kept
}

/** Reads what has to be read ahead, and again what the files then turn out to name. */
async function loaded(
  history: GitHistory,
  at: { tree: GitTree; texts: Map<string, string>; commandStyle: CommandStyle },
): Promise<LoadedPipelines> {
  const { tree, texts, commandStyle } = at
  const wanted = new Set(idsOfDvcFiles(tree))
  for (;;) {
    const unread = [...wanted].filter((id) => !texts.has(id))
    for (const [id, bytes] of await history.blobs(unread)) texts.set(id, bytes.toString('utf8'))
    wanted.clear()
    const files = treeInGit(tree, texts, (id) => wanted.add(id))
    const rules = ignoreFiles(files, '.dvcignore', dvcIgnoreRules())
    const found = collected({
      tree: files,
      commandStyle,
      ignores: (path, kind) => rules(parentOf(path)).ignores(path, kind),
    })
    if (wanted.size === 0) return found
  }
}

function idsOfDvcFiles(tree: GitTree): string[] {
  return keptBelow(tree, '', { deep: true }).flatMap(({ path, kind }) => {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const named = isDvcFile(name) || ['dvc.lock', '.dvcignore', 'params.yaml'].includes(name)
    const id = tree.at(path)?.id
    return kind === 'file' && named && id !== undefined ? [id] : []
  })
}

/** A file whose text is not there yet reads as missing, and is asked for. */
function treeInGit(
  tree: GitTree,
  texts: ReadonlyMap<string, string>,
  want: (id: string) => void,
): ProjectTree {
  return {
    list: (folder) =>
      (tree.list(folder) ?? [])
        .filter(({ kind }) => kind === 'file' || kind === 'folder')
        .map(({ name, kind }) => ({ name, isFolder: kind === 'folder' })),
    read: (path) => {
      const entry = tree.at(path)
      if (entry?.kind !== 'file') return undefined
      const text = texts.get(entry.id)
      if (text === undefined) want(entry.id)
      return text
    },
    isFolder: (path) => tree.at(path)?.kind === 'folder',
  }
}
