import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { messageOf, Problem } from '#base/problem'
import { isOn } from '#protocols/dvc/config'
import { PLOT_TEMPLATES, type PlotTemplate } from '#protocols/dvc/plot-templates'
import { gitRootOf, gitStateOf, hasChanges } from '#stores/dvc/git'
import { readLevels } from './config.ts'

/** What is said of plots outside of `dvc.yaml`. */
export interface PlotSettings {
  /** Folder for what is written; from where the command was called. */
  readonly outFolder: string
  readonly opens: boolean
  /** An HTML page in which the plots are put. */
  readonly page: string | undefined
}

export function plotSettings(
  root: string,
  variables: Readonly<Record<string, string | undefined>>,
): PlotSettings {
  const set = readLevels({ root, variables }).get('plots')
  const page = set?.get('html_template')
  return {
    outFolder: set?.get('out_dir') ?? 'dvc_plots',
    opens: isOn(set?.get('auto_open')),
    page: page === undefined ? undefined : resolve(root, '.dvc', page),
  }
}

/**
 * The template of that name: of the project, a file, or one that comes with Orrery. One that a `dvc.yaml` names lies
 * in the project: whoever shows a page of somebody's plots does not show files of their own with it.
 */
export function plotTemplate(
  name: string | undefined,
  at: { root: string; folder: string; anywhere: boolean },
): PlotTemplate {
  const wanted = name ?? 'linear'
  const file = templateFile(wanted, at)
  const known = PLOT_TEMPLATES.get(wanted)
  if (file === undefined && known !== undefined) return known
  if (file === undefined)
    throw new Problem(
      'not-found',
      `there is no template ${wanted}; put it into .dvc/plots, or take one of ${[...PLOT_TEMPLATES.keys()].join(', ')}`,
    )
  if (!at.anywhere && relative(realpathSync(at.root), realpathSync(file)).startsWith('..'))
    throw new Problem(
      'invalid',
      `the template ${wanted} lies outside of the project; move it into .dvc/plots`,
    )
  return readTemplate(wanted, file)
}

/** The revisions that dvc compares when these are named, the workspace first: what is changed, with the last commit. */
export async function revisionsToCompare(
  root: string,
  named: readonly string[],
): Promise<string[]> {
  if (gitRootOf(root) === undefined)
    throw new Problem(
      'invalid',
      'this project has no Git repository, so there is nothing to compare with; run `git init` and commit',
    )
  // Before the first commit there is nothing either, and dvc says so with nothing.
  if ((await gitStateOf(root)).commit === null) return []
  const [only] = named
  const all =
    only === undefined
      ? ['workspace', ...((await hasChanges(root)) ? ['HEAD'] : [])]
      : named.length === 1
        ? ['workspace', only]
        : named
  const rest = new Set(all.filter((each) => each !== 'workspace'))
  return all.includes('workspace') ? ['workspace', ...rest] : [...rest]
}

/** More than any spec that somebody wrote. */
const TEMPLATE_BYTES_MAX = 8 << 20

function templateFile(
  name: string,
  { root, folder }: { root: string; folder: string },
): string | undefined {
  const own = join(root, '.dvc', 'plots', name)
  return [own, own.replace(/(?:\.[^./]*)?$/, '.json'), resolve(root, folder, name)].find(
    (file) => existsSync(file) && statSync(file).isFile(),
  )
}

function readTemplate(name: string, file: string): PlotTemplate {
  if (statSync(file).size > TEMPLATE_BYTES_MAX)
    throw new Problem(
      'limit',
      `the template ${name} has more than ${TEMPLATE_BYTES_MAX} bytes; keep data out of it`,
    )
  try {
    const read: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof read === 'object' && read !== null && !Array.isArray(read))
      return read as PlotTemplate
  } catch (error) {
    throw new Problem('invalid', `the template ${name} is not JSON: ${messageOf(error)}`)
  }
  throw new Problem('invalid', `the template ${name} is no Vega-Lite spec: it must be a JSON map`)
}
