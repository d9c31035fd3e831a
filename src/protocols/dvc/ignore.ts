import ignore, { type Ignore } from 'ignore'

/** Rules of `.dvcignore` or `.gitignore` files, those of a deeper folder after those above it. */
export interface IgnoreRules {
  /** Whether the rules name this very path; a folder that they name is out with all that it holds. */
  ignores(path: string, kind: 'file' | 'folder'): boolean
  /** These rules and those of an ignore file in `folder`. */
  with(folder: string, text: string): IgnoreRules
}

interface Level {
  readonly folder: string
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
  return { folder, rules: ignore({ ignorecase: false, allowRelativePaths: false }).add(lines) }
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

/** The text of a `.gitignore` with a line for a name beside it. */
export function withIgnored(text: string, name: string): string {
  const line = `/${name.replaceAll(/[[\]!*#?]/g, String.raw`\$&`)}`
  if (text.split('\n').includes(line)) return text
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`
}
