export { defaultSystem } from "@chakra-ui/react";
