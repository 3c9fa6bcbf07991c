/** Every style sheet of the page, in order: Mantine's (only the components in use), the theme's variables, ours. */
import '@mantine/core/styles/baseline.css';
import '@mantine/core/styles/global.css';
import './theme-variables.css';
import '@mantine/core/styles/UnstyledButton.css';
import '@mantine/core/styles/Button.css';
import '@mantine/core/styles/ActionIcon.css';
import '@mantine/core/styles/Loader.css';
import '@mantine/core/styles/Paper.css';
import '@mantine/core/styles/Popover.css';
import '@mantine/core/styles/Input.css';
import '@mantine/core/styles/FloatingIndicator.css';
import '@mantine/core/styles/SegmentedControl.css';
import '@mantine/core/styles/Progress.css';
import '@/components/objective-colours.css';
import './global.css';
