import type { Argv } from 'yargs'
import { command, QUIET } from '../command.ts'

export const dag = command({
  command: 'dag [targets..]',
  describe: 'Draw which stages need which',
  builder: (argv: Argv) =>
    argv
      .positional('targets', {
        type: 'string',
        array: true,
        describe: 'Stages or outputs, with what they need',
      })
      .option('dot', { type: 'boolean', default: false, describe: 'Print it for Graphviz' })
      .option('mermaid', { type: 'boolean', default: false, describe: 'Print it for Mermaid' })
      .option('md', {
        type: 'boolean',
        default: false,
        describe: 'Print it for Mermaid, in a block of Markdown',
      })
      .option('outs', {
        alias: 'o',
        type: 'boolean',
        default: false,
        describe: 'Draw outputs instead of stages',
      })
      .option('full', {
        type: 'boolean',
        default: false,
        describe: 'With everything that hangs together with the targets',
      })
      .option('collapse-foreach-matrix', {
        type: 'boolean',
        default: false,
        describe: 'Draw the stages of one foreach or matrix as one',
      })
      .option('quiet', QUIET),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { drawnGraph, pipelineMap } = await import('#stages')
    const { dotText, mermaidText } = await import('#protocols/dvc/graph-text')
    const here = calledIn()
    const needs = pipelineMap(await here.pipelines.load(), {
      targets: here.targets(flags.targets),
      outs: flags.outs,
      full: flags.full,
      collapsed: flags.collapseForeachMatrix,
    })
    const nodes = [...needs].map(([name, needed]) => ({ name, needs: needed }))
    const lines = flags.md
      ? ['```mermaid', ...mermaidText(needs), '```']
      : flags.mermaid
        ? mermaidText(needs)
        : flags.dot
          ? dotText(needs)
          : drawnGraph(needs)
    if (!flags.quiet) say(flags, { nodes }, lines)
  },
})
