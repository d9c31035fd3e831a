import { graphlib, layout } from '@dagrejs/dagre'
import { NODE_HEIGHT, type Drawing, type NodeSize } from './layout-types.ts'

/** Beyond this many the better order of dagre takes too long. */
const FINE_NODES_MAX = 150

/** Where the stages of a graph stand: what is needed above what needs it. */
export function drawingOf(stages: readonly NodeSize[]): Drawing {
  const graph = new graphlib.Graph()
  graph.setGraph({
    nodesep: 24,
    ranksep: 40,
    marginx: 12,
    marginy: 12,
    ranker: stages.length > FINE_NODES_MAX ? 'longest-path' : 'network-simplex',
  })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { name, width } of stages) graph.setNode(name, { width, height: NODE_HEIGHT })
  for (const { name, needs } of stages)
    for (const need of needs) if (graph.hasNode(need)) graph.setEdge(need, name)
  layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  return {
    width,
    height,
    nodes: graph.nodes().map((name) => {
      const node = graph.node(name) as { x: number; y: number; width: number }
      return { name, x: node.x, y: node.y, width: node.width }
    }),
    edges: graph.edges().map((edge) => {
      const { points } = graph.edge(edge) as { points: { x: number; y: number }[] }
      return { from: edge.v, to: edge.w, points: points.map(({ x, y }) => [x, y]) }
    }),
  }
}
