import { randomFraction } from '#base/ids'

// Two words that are easy to say, so that people can name an experiment in a talk.
const QUALITIES =
  'amber ample arid balmy bold brisk calm chilly clear coral cosy crisp curly dapper dewy eager early fair fleet fond frosty gentle glad golden grand hardy hazel humble ivory jolly keen kind leafy lively lofty loyal lucid lunar mellow merry mild misty mossy neat nimble noble opal pale placid plain polar prime proud quick quiet rapid ready rosy round ruby sandy sage sharp silent silky sleek smart snowy solar stout sunny swift tidy tidal tranquil vivid warm wavy wise witty young zesty'
const THINGS =
  'acorn alder anvil apple arrow aspen badger barge basil beacon birch bison brook canyon cedar cliff clover comet condor coral crane creek dune eagle ember falcon fern field finch fjord flint forest garnet geyser glade grove harbor hazel heron holly inlet island jasper kettle lagoon lantern larch lark linen lotus lynx maple marsh meadow meteor mint moose nebula oak oasis orbit orchid otter owl pebble pepper pine planet plover pond quartz quail raven reef ridge river robin saffron salmon shore sparrow spruce stone summit swan thistle thyme tiger trail tulip tundra valley violet walnut willow wren'

/** A name such as `quiet-otter`. */
export function randomName(): string {
  return [QUALITIES, THINGS]
    .map((words) => words.split(' '))
    .map((words) => words[Math.floor(randomFraction() * words.length)])
    .join('-')
}
