/** The example the page opens on. Alone in its file, because it comes with the first script. */
import type { Example } from './example.ts';

export const firstExample: Example = {
  name: 'said-twice',
  group: 'Verbosity',
  title: 'Everything said twice',
  about: 'Both answers give the same advice. B says all of it twice.',
  turns: ['My houseplant has yellow leaves and the soil is always wet. What should I do?'],
  responses: [
    'Yellow leaves with wet soil usually mean overwatering. Let the top few centimetres dry out before you water again, ' +
      'empty the saucer, and check that the pot has drainage holes. If the roots are brown and soft, cut those away and ' +
      'repot in fresh, dry soil.',
    'Yellow leaves with wet soil usually mean overwatering. When the leaves are yellow and the soil is wet, it is very ' +
      'often the case that the plant has been given too much water, in other words it has been overwatered. Let the top ' +
      'few centimetres dry out before you water again, which means that you should wait and not water it until the soil ' +
      'at the top has become dry. Also empty the saucer, and check that the pot has drainage holes, because drainage ' +
      'holes are important for drainage. If the roots are brown and soft, cut those away, and then repot the plant in ' +
      'fresh, dry soil, because soil that is fresh and dry is better than soil that is old and wet. In summary, the ' +
      'yellow leaves with wet soil usually mean overwatering, so water less.',
  ],
  claims: [
    { kind: 'reward-higher', objective: 'helpsteer-verbosity', a: 'B', b: 'A' },
    { kind: 'coefficient-sign', objective: 'helpsteer-verbosity', sign: 'negative' },
    { kind: 'reward-higher', objective: 'ultrafeedback-overall_score', a: 'A', b: 'B' },
    { kind: 'prefers', a: 'A', b: 'B' },
  ],
};
