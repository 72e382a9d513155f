/** Small parts that every view is made of. */

import { Alert, Badge, Box, Button, chakra, Flex, Heading, Link, Spinner, Text } from "@chakra-ui/react";
import { Fragment, type ReactNode, useId, useState } from "react";
import { Link as RouterLink } from "react-router-dom";
import { webAddress } from "../model/addresses";
import { PALETTES, SIGNS, type Status } from "../model/status";
import { formatTime, isoTime } from "../model/text";

/** One quiet sentence in the place of a view. */
export const Quiet = ({ children }: { children: ReactNode }) => (
  <Text color="fg.muted" p={4}>
    {children}
  </Text>
);

export const Loading = ({ label }: { label: string }) => (
  <Flex align="center" color="fg.muted" gap={2} p={4} role="status">
    <Spinner size="sm" />
    {label}
  </Flex>
);

export const Problem = ({ children, onRetry }: { children: ReactNode; onRetry?: () => void }) => (
  <Alert.Root alignItems="center" role="alert" size="sm" status="error">
    <Alert.Indicator />
    <Alert.Content>
      <Alert.Description overflowWrap="anywhere">{children}</Alert.Description>
    </Alert.Content>
    {onRetry === undefined ? null : (
      <Button onClick={onRetry} size="xs" variant="outline">
        Try again
      </Button>
    )}
  </Alert.Root>
);

export const StatusBadge = ({ status }: { status: Status }) => (
  <Badge colorPalette={PALETTES[status]} size="sm" variant="subtle">
    <span aria-hidden="true">{SIGNS[status]}</span> {status}
  </Badge>
);

/** A time in the browser's zone, with the ISO form in its title. */
export const Time = ({ value }: { value: number | null }) => (
  <time dateTime={isoTime(value)} title={isoTime(value)}>
    {formatTime(value)}
  </time>
);

/** A titled part of a view. */
export const Card = ({
  title,
  children,
  actions,
  level = "h3",
}: {
  title: string;
  children: ReactNode;
  actions?: ReactNode;
  level?: "h3" | "h4";
}) => {
  const id = useId();
  return (
    <Box
      aria-labelledby={id}
      as="section"
      bg="bg"
      borderColor="border"
      borderWidth={1}
      minW={0}
      overflow="hidden"
      rounded="md"
    >
      <Flex
        align="center"
        bg="bg.muted"
        borderBottomWidth={1}
        borderColor="border"
        gap={2}
        minH={10}
        px={3}
        wrap="wrap"
      >
        <Heading as={level} flex="1" fontSize="sm" fontWeight="semibold" id={id}>
          {title}
        </Heading>
        {actions}
      </Flex>
      {children}
    </Box>
  );
};

/** A number with what it is. */
export const Figure = ({ label, value, note }: { label: string; value: ReactNode; note?: ReactNode }) => (
  <Box minW="7.5rem">
    <chakra.dt color="fg.muted" fontSize="xs">
      {label}
    </chakra.dt>
    <chakra.dd fontSize="lg" fontVariantNumeric="tabular-nums" fontWeight="semibold" lineHeight="short">
      {value}
      {note == null ? null : (
        <Text as="span" color="fg.muted" display="block" fontSize="xs" fontWeight="normal">
          {note}
        </Text>
      )}
    </chakra.dd>
  </Box>
);

/** A link to another page of the web, where the address is one; else only what it says. */
export const ExternalLink = ({ href, children }: { href: string | null | undefined; children: ReactNode }) => {
  const address = webAddress(href);
  return address === null ? (
    children
  ) : (
    <Link color="fg.info" href={address} overflowWrap="anywhere" rel="noopener noreferrer" target="_blank">
      {children} <span aria-hidden="true">↗</span>
    </Link>
  );
};

/** A link to another page of Airflow. */
export const InternalLink = ({ to, children }: { to: string; children: ReactNode }) => (
  <Link asChild color="fg.info">
    <RouterLink to={to}>{children}</RouterLink>
  </Link>
);

const TABLE = {
  borderCollapse: "collapse",
  fontSize: "sm",
  width: "full",
  "& th, & td": { px: 3, py: 1.5, textAlign: "start", verticalAlign: "top", borderColor: "border.muted" },
  "& thead th": { color: "fg.muted", fontSize: "xs", fontWeight: "semibold", whiteSpace: "nowrap" },
  "& tbody th": { fontWeight: "medium" },
  "& tbody tr": { borderTopWidth: 1, borderColor: "border.muted" },
  "& .number": { textAlign: "end", fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" },
  "& .short": { whiteSpace: "nowrap" },
  "& .wide": { overflowWrap: "anywhere" },
  "& .muted": { color: "fg.muted" },
  "& tr.total": { fontWeight: "semibold" },
} as const;

/** A table of plain elements: a large one is drawn many times as fast as one of styled cells. */
export const Table = ({ label, children, css }: { label: string; children: ReactNode; css?: object }) => (
  // Scrolls with the keyboard too.
  <Box aria-label={label} overflow="auto" role="region" tabIndex={0}>
    <chakra.table aria-label={label} css={css === undefined ? TABLE : { ...TABLE, ...css }}>
      {children}
    </chakra.table>
  </Box>
);

/** The head of a table: a name for each column, of numbers or of other things; null for one that is left out. */
export const Columns = ({ names }: { names: (string | { number: string } | null)[] }) => (
  <thead>
    <tr>
      {names.map((name) => {
        if (name === null) return null;
        const [text, className] = typeof name === "string" ? [name, undefined] : [name.number, "number"];
        return (
          <th className={className} key={text} scope="col">
            {text}
          </th>
        );
      })}
    </tr>
  </thead>
);

/** A part that opens; what is in it is drawn when it first does. */
export const Disclosure = ({
  summary,
  children,
  open = false,
}: {
  summary: ReactNode;
  children: ReactNode;
  open?: boolean;
}) => {
  const [isOpen, setIsOpen] = useState(open);
  const [wasOpen, setWasOpen] = useState(open);
  return (
    <chakra.details
      onToggle={(event) => {
        const { open: isNowOpen } = event.currentTarget;
        setIsOpen(isNowOpen);
        if (isNowOpen) setWasOpen(true);
      }}
      open={isOpen}
    >
      <chakra.summary
        _focusVisible={{ outline: "2px solid", outlineColor: "border.emphasized" }}
        _hover={{ bg: "bg.subtle" }}
        color="fg.muted"
        cursor="pointer"
        fontSize="sm"
        px={3}
        py={2}
      >
        {summary}
      </chakra.summary>
      {wasOpen ? children : null}
    </chakra.details>
  );
};

/** Values beside their names; what is null is left out. */
export const Facts = ({ facts }: { facts: Record<string, ReactNode> }) => (
  <chakra.dl
    css={{
      display: "grid",
      gridTemplateColumns: "fit-content(60%) minmax(0, 1fr)",
      columnGap: 3,
      rowGap: 1,
      fontSize: "sm",
      "& dt": { color: "fg.muted", overflowWrap: "anywhere" },
      "& dd": { overflowWrap: "anywhere" },
    }}
  >
    {Object.entries(facts)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </Fragment>
      ))}
  </chakra.dl>
);
