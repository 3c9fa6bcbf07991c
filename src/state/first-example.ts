/** The conversation a first visitor finds: two answers, both right, one of which says everything twice. */
import { conversationOf } from './conversation.ts';

export const firstExample = conversationOf({
  turns: ['My houseplant has yellow leaves and the soil is always wet. What should I do?'],
  responses: [
    'Yellow leaves with wet soil usually mean overwatering. Let the top few centimetres dry out before you water again, ' +
      'empty the saucer, and check that the pot has drainage holes. If the roots are brown and soft, cut those away and ' +
      'repot in fresh, dry soil.',
    'Plants are living things and need care. There are many reasons why leaves can be yellow, and yellow leaves can have ' +
      'many different reasons. It is important to look after your plant. You should look after it well, because taking ' +
      'good care of a plant is important. Water matters, light matters, and soil matters too, so pay attention to the ' +
      'water, the light and the soil.',
  ],
});
