import type { ProjectView } from '../views.ts'
import { sourcesOf, within } from './definitions.ts'

/** The paths that are shown as metrics or as plots: outs of stages, and what `dvc.yaml` files list beside these. */
export async function pathsShown(view: ProjectView, as: 'metrics' | 'plots'): Promise<string[]> {
  const { stages } = await view.load()
  const wanted = as === 'metrics' ? 'metric' : 'plot'
  const outs = stages.flatMap((stage) => stage.outs.filter(({ kind }) => kind === wanted))
  const { metrics, plots } = await view.declared()
  const sources = plots.flatMap(({ folder, id, props }) =>
    sourcesOf(id, props).map((path) => within(folder, path)),
  )
  return [...outs.map(({ path }) => path), ...(as === 'metrics' ? metrics : sources)]
}
