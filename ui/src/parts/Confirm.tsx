import { Button, CloseButton, Dialog, Portal, Text } from "@chakra-ui/react";
import { type ReactNode, useState } from "react";
import { Problem } from "./basics";

/** A button whose action is asked about first. */
export const Confirm = ({
  label,
  title,
  children,
  palette,
  onConfirm,
}: {
  label: string;
  title: string;
  children: ReactNode;
  palette: string;
  onConfirm: () => Promise<void>;
}) => {
  const [isOpen, setIsOpen] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const confirm = async (): Promise<void> => {
    setIsBusy(true);
    setError(null);
    try {
      await onConfirm();
      setIsOpen(false);
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
    } finally {
      setIsBusy(false);
    }
  };

  return (
    <Dialog.Root
      lazyMount
      onOpenChange={(details: { open: boolean }) => setIsOpen(details.open)}
      open={isOpen}
      role="alertdialog"
      size="sm"
      unmountOnExit
    >
      <Dialog.Trigger asChild>
        <Button colorPalette={palette} size="xs" variant="outline">
          {label}
        </Button>
      </Dialog.Trigger>
      <Portal>
        <Dialog.Backdrop />
        <Dialog.Positioner>
          <Dialog.Content>
            <Dialog.Header>
              <Dialog.Title>{title}</Dialog.Title>
            </Dialog.Header>
            <Dialog.Body>
              <Text as="div" mb={error === null ? 0 : 3}>
                {children}
              </Text>
              {error === null ? null : <Problem>{error}</Problem>}
            </Dialog.Body>
            <Dialog.Footer>
              <Dialog.ActionTrigger asChild>
                <Button size="sm" variant="outline">
                  Cancel
                </Button>
              </Dialog.ActionTrigger>
              <Button colorPalette={palette} loading={isBusy} onClick={() => void confirm()} size="sm">
                {label}
              </Button>
            </Dialog.Footer>
            <Dialog.CloseTrigger asChild>
              <CloseButton size="sm" />
            </Dialog.CloseTrigger>
          </Dialog.Content>
        </Dialog.Positioner>
      </Portal>
    </Dialog.Root>
  );
};
