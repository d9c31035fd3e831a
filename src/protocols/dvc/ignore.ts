import ignore, { type Ignore } from 'ignore'

/** Rules of `.dvcignore` or `.gitignore` files, those of a deeper folder after those above it. */
export interface IgnoreRules {
  /** Whether the rules name this very path; a folder that they name is out with all that it holds. */
  ignores(path: string, kind: 'file' | 'folder'): boolean
  /** Whether a path is left out, by itself or by a folder that it lies in, and the rule that decides. */
  judge(path: string, kind: 'file' | 'folder'): Judgement
  /** These rules and those of an ignore file in `folder`. */
  with(folder: string, text: string): IgnoreRules
}

export interface Judgement {
  readonly ignored: boolean
  /** Undefined where no rule speaks of the path. */
  readonly rule:
    | { readonly pattern: string; readonly folder: string; readonly line: number }
    | undefined
}

interface Level {
  readonly folder: string
  readonly text: string
  readonly rules: Ignore
}

/** The rules that DVC has of itself. */
export function dvcIgnoreRules(): IgnoreRules {
  return rulesOf([levelOf('', '.hg/\n.git/\n.git\n.dvc/')], { trim: true })
}

export function gitIgnoreRules(): IgnoreRules {
  return rulesOf([levelOf('', '.git')], { trim: false })
}

function levelOf(folder: string, text: string): Level {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  return {
    folder,
    text,
    rules: ignore({ ignorecase: false, allowRelativePaths: false }).add(lines),
  }
}

/** DVC takes blanks off both ends of a line; to Git those before a name belong to it. */
function rulesOf(levels: readonly Level[], lines: { trim: boolean }): IgnoreRules {
  return {
    ignores: (path, kind) => {
      // The last rule that speaks of a path decides, so the deepest file is asked first.
      for (const { folder, rules } of levels.toReversed()) {
        const inside = folder === '' ? path : path.slice(folder.length + 1)
        if (inside === '' || (folder !== '' && !path.startsWith(`${folder}/`))) continue
        const verdict = rules.test(kind === 'folder' ? `${inside}/` : inside)
        if (verdict.ignored) return true
        if (verdict.unignored) return false
      }
      return false
    },
    judge: (path, kind) => judged(levels, path, kind),
    with: (folder, text) =>
      rulesOf(
        [
          ...levels,
          levelOf(folder, lines.trim ? text.replaceAll(/^[^\S\n]+|[^\S\n]+$/gm, '') : text),
        ],
        lines,
      ),
  }
}

function judged(levels: readonly Level[], path: string, kind: 'file' | 'folder'): Judgement {
  const parts = path.split('/')
  let verdict: Judgement = { ignored: false, rule: undefined }
  for (const index of parts.keys()) {
    const here = parts.slice(0, index + 1).join('/')
    const isLast = index === parts.length - 1
    verdict = lastWord(levels, here, isLast ? kind : 'folder')
    // What lies in a folder that is out is out, whatever is said of it further down.
    if (verdict.ignored) return verdict
  }
  return verdict
}

/** What the last rule that speaks of this very path says. */
function lastWord(levels: readonly Level[], path: string, kind: 'file' | 'folder'): Judgement {
  for (const { folder, text } of levels.toReversed()) {
    if (folder !== '' && !path.startsWith(`${folder}/`)) continue
    const inside = folder === '' ? path : path.slice(folder.length + 1)
    for (const [index, raw] of [...text.split(/\r?\n/).entries()].toReversed()) {
      const pattern = raw.trim()
      if (pattern === '' || pattern.startsWith('#')) continue
      if (pattern.endsWith('/') && kind === 'file') continue
      const negative = pattern.startsWith('!')
      const rule = ignore({ ignorecase: false }).add(negative ? pattern.slice(1) : pattern)
      if (rule.ignores(kind === 'folder' ? `${inside}/` : inside))
        return { ignored: !negative, rule: { pattern, folder, line: index + 1 } }
    }
  }
  return { ignored: false, rule: undefined }
}

/** The text of a `.gitignore` with a line for a name beside it. */
export function withIgnored(text: string, name: string): string {
  const line = `/${escaped(name)}`
  if (text.split('\n').includes(line)) return text
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`
}

/** The text without the line for a name beside it; undefined where nothing is left of it. */
export function withoutIgnored(text: string, name: string): string | undefined {
  const written = new Set([`/${escaped(name)}`.trim(), `/${name}`.trim()])
  const lines = text.split(/(?<=\n)/)
  const left = lines.filter((line) => !written.has(line.trim()))
  return left.length === 0 ? undefined : left.join('')
}

function escaped(name: string): string {
  return name.replaceAll(/[[\]!*#?]/g, String.raw`\$&`)
}
